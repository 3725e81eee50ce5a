// SPDX-License-Identifier: MIT

/*
 * Why the cache is exact. A row says: CFA = rsp + n, rbp + n or *(rbp + n); the return address lies at CFA - 8; rbp is
 * unchanged, or saved at a known place. So a frame's caller is a function of (pc, rsp, rbp) and of the words at those
 * places. The last backtrace is kept, outermost frame first, as (place of the return address, value). A new backtrace is
 * unwound by rows until it comes to a return address that lies where a cached one lay and is the same; then each older
 * cached frame lies where it lay, and if the words there are still the same it is the same frame, by induction. Where a
 * word differs, the first such frame has a new return address at a right place, and unwinding goes on from there.
 *
 *	frames[]   oldest ........ youngest          kept between backtraces
 *	fresh[]                    youngest ... join  what rows had to find this time, innermost first
 *	checks[]   {address, value} of all frames     one linear pass verifies a prefix
 *
 * rbp matters only where a row needs it before another row restores it: needs_rbp says so for a frame and all older
 * ones, and only then the place that it was saved in is a check.
 *
 * Where nearly all frames change each time, keeping them costs more than it saves. After FLAT_AFTER such backtraces in a
 * row only what they have in common stays in the cache, and the rest is hashed as it was found; every FLAT_PROBE-th one is
 * kept whole, to see whether the next has more in common with it.
 *
 * Nothing below the stack pointer and nothing above the stack's end is ever read. Other stacks than the thread's own
 * (coroutines, signal stacks) go without the cache.
 */

#include "unwind.h"
#include "cfi.h"
#include "check.h"
#include "modules.h"
#include "table.h"
#include "traces.h"

#define ROW_EXACT (1ull << 47)
#define MAX_FRESH (STACK_CACHE / 2)
#define SCRATCHES 16u
#define FLAT_AFTER 32u
#define FLAT_PROBE 32u
#define FLAT_LEAST 8u /* frames that changed */

/* The frame that unwinding has come to. */
struct walk {
	uintptr_t slot, pc, sp, rbp, rbp_slot;
	uintptr_t high;     /* reads end here */
	bool own;           /* on the thread's own stack */
	bool exact;
	bool switched;      /* came from another stack: places are not in order */
};

static struct table *rows; /* [atomic] key: pc | ROW_EXACT | epoch << 48 */

/* For hooks inside hooks (signal handlers), which may run on small stacks. */
static struct stack_frame *scratch;
static uint32_t scratch_busy; /* [atomic] a bit each */

bool unwind_start(void)
{
	rows = table_new(4096);
	scratch = memory_map(SCRATCHES * (HT_MAX_DEPTH + 1) * sizeof(*scratch));
	return rows && scratch;
}

void unwind_forked(void)
{
	rows->growing = 0;
	scratch_busy = 0;
}

static bool is_current(uint64_t key)
{
	return key >> 48 == (load_relaxed(&guest.epoch) & 0xffff);
}

static enum row_use use_of(row r)
{
	switch (row_kind(r)) {
	case ROW_RSP:
		return row_rbp(r) == ROW_RBP_AT_CFA ? ROW_USE_RESTORED
						    : row_rbp(r) == ROW_RBP_AT_RBP ? ROW_USE_NEEDED : ROW_USE_PASSED;
	case ROW_SIGNAL: case ROW_END: return ROW_USE_RESTORED;
	default: return ROW_USE_NEEDED;
	}
}

static COLD row make_row(uintptr_t pc, bool exact, uint64_t key)
{
	struct object object;
	row r = cfi_row(pc, exact, &object);
	uint32_t module = object.start ? module_number(&object) : 0;

	r |= (row)use_of(r) << ROW_USE_SHIFT | (module < 1u << 16 ? (row)module << ROW_MODULE_SHIFT : 0);
	/* Without unwind information it may be JIT code, where a library may lie tomorrow. */
	if (row_kind(r) != ROW_NONE && is_current(key))
		table_insert(&rows, key, r, is_current);
	return r;
}

INLINE row find_row(uintptr_t pc, bool exact)
{
	uint64_t key = pc | (exact ? ROW_EXACT : 0) | (uint64_t)load_relaxed(&guest.epoch) << 48;
	row r = table_find(load_acquire(&rows), key);

	return likely(r) ? r : make_row(pc, exact, key);
}

INLINE bool readable(const struct walk *w, uintptr_t address)
{
	return likely(address >= w->sp && address <= w->high - 8 && !(address & 7));
}

/* Code without unwind information: believe in a frame pointer for one step, if it looks like one. */
static COLD bool step_by_frame_pointer(struct walk *w)
{
	uintptr_t rbp = w->rbp;

	if (!w->own || rbp < w->sp || !readable(w, rbp) || !readable(w, rbp + 8))
		return false;
	uintptr_t older = ((const uintptr_t *)rbp)[0], pc = ((const uintptr_t *)rbp)[1];
	struct object object;

	if (!pc || (older <= rbp && !object_find(pc - 1, &object)))
		return false;
	w->sp = rbp + 16;
	w->slot = rbp + 8;
	w->pc = pc;
	w->rbp = older;
	w->rbp_slot = rbp;
	return true;
}

/* The interrupted registers lie in the ucontext at rsp: gregs begin at 40, in the order r8 ... rdi, rbp, ... rsp, rip. */
static bool step_signal(struct thread *thread, struct walk *w)
{
	uintptr_t context = w->sp;

	if (!readable(w, context + 120) || !readable(w, context + 168))
		return false;
	w->rbp = *(const uintptr_t *)(context + 120);
	w->rbp_slot = context + 120;
	w->pc = *(const uintptr_t *)(context + 168);
	w->slot = context + 168;
	uintptr_t sp = *(const uintptr_t *)(context + 160);

	w->switched |= sp < w->sp;
	w->sp = sp;
	w->exact = true;
	bool was_own = w->own;

	w->high = thread_stack_high(thread, sp, &w->own);
	w->switched |= w->own != was_own;
	return w->pc != 0;
}

/* To the caller, by a row. False: no further. */
INLINE bool step(struct walk *w, row r)
{
	enum row_kind kind = row_kind(r);
	uintptr_t cfa;

	if (kind == ROW_RSP) {
		cfa = w->sp + (uintptr_t)row_cfa_offset(r);
	} else if (kind == ROW_RBP) {
		cfa = w->rbp + (uintptr_t)row_cfa_offset(r);
	} else {
		uintptr_t place = w->rbp + (uintptr_t)row_cfa_offset(r);

		if (kind != ROW_RBP_DEREF || !readable(w, place))
			return false;
		cfa = *(const uintptr_t *)place;
	}
	if (unlikely(cfa - 8 < w->sp || cfa - 8 > w->high - 8 || (cfa & 7)))
		return false;
	if (row_rbp(r) != ROW_RBP_SAME) {
		uintptr_t place = (row_rbp(r) == ROW_RBP_AT_CFA ? cfa : w->rbp) + (uintptr_t)row_rbp_offset(r);

		if (unlikely(!readable(w, place)))
			return false;
		w->rbp = *(const uintptr_t *)place;
		w->rbp_slot = place;
	} else {
		w->rbp_slot = 0;
	}
	w->slot = cfa - 8;
	w->sp = cfa;
	w->pc = *(const uintptr_t *)w->slot;
	w->exact = false;
	return true;
}

INLINE void add_frame(struct stack_frame *frame, const struct walk *w, row r)
{
	frame->slot = w->slot;
	frame->pc = w->pc;
	frame->rbp = w->rbp;
	frame->rbp_slot = w->rbp_slot;
	frame->row = r;
	frame->exact = w->exact;
}

/* What is to come after a frame was added. */
enum stepped { STEPPED, STEPPED_TO_END, STEPPED_NOWHERE, STEPPED_FULL };

INLINE enum stepped step_any(struct thread *thread, struct walk *w, row r)
{
	enum row_kind kind = row_kind(r);

	if (likely(kind == ROW_RSP || kind == ROW_RBP || kind == ROW_RBP_DEREF)) {
		if (unlikely(!step(w, r)))
			return STEPPED_NOWHERE;
		return likely(w->pc) ? STEPPED : STEPPED_TO_END;
	}
	switch (kind) {
	case ROW_END: return STEPPED_TO_END;
	case ROW_FULL: return STEPPED_FULL;
	case ROW_SIGNAL: return step_signal(thread, w) ? STEPPED : STEPPED_NOWHERE;
	default:
		/* The entry of ld.so, or of a program, without unwind information: argc lies where its stack ends. */
		if (w->own && w->high == guest.stack_end && guest.stack_end - w->sp <= 32)
			return STEPPED_TO_END;
		return step_by_frame_pointer(w) ? STEPPED : STEPPED_NOWHERE;
	}
}

INLINE uint64_t mix(uint64_t hash, const struct stack_frame *frame)
{
	uint64_t h = (hash ^ frame->pc ^ (frame->row & ~0ull << ROW_MODULE_SHIFT)) * 0x9fb21c651e98df25ull;

	return h ^ h >> 32;
}

/* frames[0 .. count) lie oldest first: hash them from nothing. */
static uint64_t hash_frames(const struct stack_frame *frames, uint32_t count)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < count; i++)
		hash = mix(hash, &frames[i]);
	return hash;
}

/* The key in the table of backtraces. */
INLINE uint64_t key_of(uint64_t hash, enum ht_entry entry, uint32_t thread)
{
	uint64_t h = (hash + (uint64_t)entry + 1 + ((uint64_t)thread << 32)) * 0xd6e8feb86659fd93ull;

	return h ? h : 1;
}

static uint32_t number_of(struct sighting *s, uint64_t hash, uintptr_t pc)
{
	s->hash = key_of(hash, s->entry, s->thread);
	check_backtrace(s->frames, s->count, s->truncated, pc);
	return trace_number(s);
}

/* All registers, by interpreting the whole call frame program of each frame from here: any code, about 1 us a frame. */
static NOINLINE uint32_t walk_full(struct thread *thread, const struct caller *caller, struct stack_frame *out,
				   uint32_t limit, bool *truncated)
{
	struct registers r = {.valid = 1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12 | 1u << CFI_RA};
	bool own, exact = true, inside = false;
	uint32_t count = 0;

	__asm__ volatile("mov %%rbx, %0\n\tmov %%rbp, %1\n\tmov %%rsp, %2\n\tmov %%r12, %3\n\tmov %%r13, %4\n\t"
			 "mov %%r14, %5\n\tmov %%r15, %6\n\tlea 0(%%rip), %%rax\n\tmov %%rax, %7"
			 : "=m"(r.value[3]), "=m"(r.value[6]), "=m"(r.value[7]), "=m"(r.value[12]), "=m"(r.value[13]),
			   "=m"(r.value[14]), "=m"(r.value[15]), "=m"(r.value[CFI_RA])
			 :
			 : "rax");
	*truncated = true;
	for (uint32_t steps = 0; count < limit && steps < limit + 32; steps++) {
		uintptr_t sp = r.value[CFI_RSP], high = thread_stack_high(thread, sp, &own);
		uintptr_t pc = r.value[CFI_RA];

		inside |= pc == caller->pc && sp == caller->sp;
		if (inside) {
			struct walk w = {.slot = sp - 8, .pc = pc, .rbp = r.value[CFI_RBP], .exact = exact};

			row here = find_row(pc, exact);

			add_frame(&out[count++], &w, here);
			if (row_kind(here) == ROW_END) {
				*truncated = false;
				break;
			}
		}
		if (!cfi_step(&r, &exact, sp, high)) {
			*truncated = r.value[CFI_RA] != 0 || !(r.valid >> CFI_RA & 1);
			break;
		}
	}
	return count;
}

static void reverse(struct stack_frame *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		struct stack_frame f = frames[i];

		frames[i] = frames[count - 1 - i];
		frames[count - 1 - i] = f;
	}
}

/* Without the cache: rows, and where those do not do, all registers. `frames`: room for limit. Innermost first. */
static uint32_t walk_plain(struct thread *thread, const struct caller *caller, struct stack_frame *frames,
			   uint32_t limit, bool *truncated)
{
	struct walk w = {.slot = caller->sp - 8, .pc = caller->pc, .sp = caller->sp, .rbp = caller->rbp};
	enum stepped stepped = STEPPED;
	uint32_t count = 0;

	w.high = thread_stack_high(thread, w.sp, &w.own);
	while (count < limit && stepped == STEPPED) {
		row r = find_row(w.pc, w.exact);

		add_frame(&frames[count++], &w, r);
		stepped = step_any(thread, &w, r);
	}
	if (stepped == STEPPED_FULL)
		return walk_full(thread, caller, frames, limit, truncated);
	*truncated = stepped != STEPPED_TO_END;
	return count;
}

static NOINLINE uint32_t trace_plain(struct thread *thread, const struct caller *caller, enum ht_entry entry,
				     struct stack_frame *frames, uint32_t limit)
{
	struct sighting s = {.frames = frames, .entry = entry, .thread = thread->label};

	s.count = walk_plain(thread, caller, frames, limit, &s.truncated);
	reverse(frames, s.count);
	for (uint32_t i = 0; i < s.count; i++)
		frames[i].node = 0;
	return number_of(&s, hash_frames(frames, s.count), caller->pc);
}

/* A hook inside a hook: no cache, and as little stack as possible. */
static COLD uint32_t trace_shared(struct thread *thread, const struct caller *caller, enum ht_entry entry)
{
	struct stack_frame few[8];
	uint32_t depth = guest.depth, number;

	for (uint32_t i = 0; i < SCRATCHES; i++) {
		uint32_t bit = 1u << i;

		if (__atomic_fetch_or(&scratch_busy, bit, __ATOMIC_ACQUIRE) & bit)
			continue;
		number = trace_plain(thread, caller, entry, scratch + i * (HT_MAX_DEPTH + 1), depth);
		__atomic_fetch_and(&scratch_busy, ~bit, __ATOMIC_RELEASE);
		return number;
	}
	return trace_plain(thread, caller, entry, few, depth < 8 ? depth : 8);
}

/* What walk_plain() does, without remembering more than the addresses; the same state's scratch where rows do not do. */
COLD uint32_t unwind_frames(struct thread *thread, const struct caller *caller, uintptr_t *out, uint32_t depth)
{
	struct walk w = {.slot = caller->sp - 8, .pc = caller->pc, .sp = caller->sp, .rbp = caller->rbp};
	enum stepped stepped = STEPPED;
	uint32_t count = 0;
	bool truncated;

	w.high = thread_stack_high(thread, w.sp, &w.own);
	while (count < depth && stepped == STEPPED) {
		row r = find_row(w.pc, w.exact);

		out[count++] = w.pc;
		stepped = step_any(thread, &w, r);
	}
	if (stepped != STEPPED_FULL || thread->shared)
		return count;
	count = walk_full(thread, caller, thread->fresh, depth, &truncated);
	for (uint32_t i = 0; i < count; i++)
		out[i] = thread->fresh[i].pc;
	return count;
}

/*
 * Verify the words of frames[0 .. count), youngest first.
 * @return number of frames, counted from the oldest, up to and with the youngest one that has changed; 0: all are right
 */
INLINE uint32_t verify(const struct thread *thread, uint32_t count)
{
	const struct stack_check *checks = thread->checks;
	uint32_t i = thread->frames[(int64_t)count - 1].checks;

	/* Most are right: look at four at once. */
	for (; i >= 4; i -= 4) {
		const struct stack_check *c = &checks[i - 4];
		uintptr_t wrong = (*(const uintptr_t *)c[0].address ^ c[0].value) | (*(const uintptr_t *)c[1].address ^ c[1].value) |
				  (*(const uintptr_t *)c[2].address ^ c[2].value) | (*(const uintptr_t *)c[3].address ^ c[3].value);

		if (unlikely(wrong))
			break;
	}
	for (; i > 0; i--)
		if (unlikely(*(const uintptr_t *)checks[i - 1].address != checks[i - 1].value))
			break;
	if (likely(!i))
		return 0;
	while (count > 1 && thread->frames[count - 2].checks >= i)
		count--;
	return count;
}

/*
 * The cached frames join .. changed are right, `changed` itself is not: move the good ones to fresh[], with their rbp as
 * it is now, and put the walk at the changed one.
 */
static NOINLINE uint32_t take_over(struct thread *thread, struct walk *w, uint32_t join, uint32_t changed, uint32_t count)
{
	const struct stack_frame *frames = thread->frames;
	uintptr_t rbp = w->rbp;

	for (uint32_t i = join; i > changed; i--) {
		if (i != join && frames[i].rbp_slot)
			rbp = *(const uintptr_t *)frames[i].rbp_slot;
		thread->fresh[count] = frames[i];
		thread->fresh[count].rbp = rbp;
		if (i == join)
			thread->fresh[count].rbp_slot = w->rbp_slot;
		count++;
	}
	const struct stack_frame *frame = &frames[changed];

	if (frame->rbp_slot)
		rbp = *(const uintptr_t *)frame->rbp_slot;
	w->slot = frame->slot;
	w->pc = *(const uintptr_t *)frame->slot;
	w->sp = frame->exact ? *(const uintptr_t *)(frame->slot - 8) : frame->slot + 8;
	w->rbp = rbp;
	w->rbp_slot = frame->rbp_slot;
	w->exact = frame->exact;
	return count;
}

/* The new frames go on top of the kept ones. */
INLINE void keep_frames(struct thread *thread, uint32_t kept, uint32_t fresh)
{
	struct stack_frame *to = &thread->frames[kept];
	const struct stack_frame *from = &thread->fresh[fresh], *end = thread->fresh;
	uint32_t count = to[-1].checks;
	struct stack_check *check = &thread->checks[count];
	uint64_t hash = to[-1].hash;
	bool needs = to[-1].needs_rbp;

	thread->frame_count = kept + fresh;
	while (from-- != end) {
		enum row_use use = row_use(from->row);

		hash = mix(hash, from);
		needs = use == ROW_USE_NEEDED || (use == ROW_USE_PASSED && needs);
		*check++ = (struct stack_check){from->slot, from->pc};
		if (needs && from->rbp_slot)
			*check++ = (struct stack_check){from->rbp_slot, from->rbp};
		to->slot = from->slot;
		to->pc = from->pc;
		to->rbp = from->rbp;
		to->rbp_slot = from->rbp_slot;
		to->row = from->row;
		to->hash = hash;
		to->node = 0;
		to->checks = (uint32_t)(check - thread->checks);
		to->needs_rbp = needs;
		to->exact = from->exact;
		to++;
	}
}

/* Make room on top by forgetting the oldest frames. */
static COLD uint32_t forget_oldest(struct thread *thread, uint32_t kept)
{
	uint32_t drop = kept > MAX_FRESH / 2 ? kept - MAX_FRESH / 2 : 0, left = kept - drop;

	/* Rebuilt through fresh[]'s upper half, as new frames. */
	for (uint32_t i = 0; i < left; i++)
		thread->fresh[MAX_FRESH + i] = thread->frames[drop + left - 1 - i];
	struct stack_frame *fresh = thread->fresh;

	thread->fresh += MAX_FRESH;
	keep_frames(thread, 0, left);
	thread->fresh = fresh;
	thread->bottom = BOTTOM_UNKNOWN;
	return left;
}

/* What collect() found. */
struct collected {
	uint32_t fresh, kept;
	enum stack_bottom bottom;
	bool usable; /* false: another way must be taken */
};

/*
 * A cached frame gets younger frames than before: its rbp has come another way. Where nothing needs it that is all; but
 * should an older frame change, the one in its place may.
 */
INLINE void join_frame(struct thread *thread, uint32_t index, uintptr_t rbp, uintptr_t rbp_slot)
{
	struct stack_frame *frame = &thread->frames[(int64_t)index];

	frame->rbp = rbp;
	frame->rbp_slot = rbp_slot;
	if (!frame->needs_rbp)
		return;
	frame->checks = frame[-1].checks + 1;
	if (rbp_slot)
		thread->checks[frame->checks++] = (struct stack_check){rbp_slot, rbp};
}

/* A row that the fast loop does not do itself. True: the walk has come to another frame on the same stack. */
static NOINLINE bool step_rarely(struct thread *thread, struct walk *w, row r, struct collected *c)
{
	enum stepped stepped = step_any(thread, w, r);

	if (stepped == STEPPED && !w->switched)
		return true;
	c->usable = stepped != STEPPED_FULL && stepped != STEPPED;
	c->bottom = stepped == STEPPED_TO_END ? BOTTOM_REAL : BOTTOM_LOST;
	c->kept = 0;
	return false;
}

/* A join whose older frames have changed. True: go on from the changed one. */
static NOINLINE bool rejoin(struct thread *thread, struct walk *w, uint32_t changed, struct collected *c)
{
	if (c->fresh + c->kept >= MAX_FRESH) {
		c->usable = false;
		return false;
	}
	c->fresh = take_over(thread, w, c->kept - 1, changed - 1, c->fresh);
	c->kept = changed - 1;
	if (w->pc)
		return true;
	c->bottom = BOTTOM_REAL;
	c->kept = 0;
	return false;
}

/* The loop keeps the frame that it is at in registers; `w` is for what happens rarely. */
INLINE struct collected collect(struct thread *thread, const struct walk *start)
{
	const struct stack_frame *frames = thread->frames, *known = frames + thread->frame_count - 1;
	struct stack_frame *fresh = thread->fresh, *const full = fresh + MAX_FRESH;
	struct collected c = {.bottom = thread->bottom, .usable = true};
	uintptr_t slot = start->slot, pc = start->pc, sp = start->sp, rbp = start->rbp, rbp_slot = 0;
	const uintptr_t high = start->high;
	const struct table *table = load_acquire(&rows);
	const uint64_t epoch = (uint64_t)thread->epoch << 48;
	struct walk w;
	bool exact = false;

	for (;;) {
		row r;

		/* The sentinel ends this. */
		while (known->slot < slot)
			known--;
		if (known->slot == slot && known->pc == pc && known->exact == exact && (!known->needs_rbp || known->rbp == rbp)) {
			uint32_t changed = verify(thread, (uint32_t)(known - frames));

			c.kept = (uint32_t)(known - frames) + 1;
			c.fresh = (uint32_t)(fresh - thread->fresh);
			if (likely(!changed)) {
				join_frame(thread, c.kept - 1, rbp, rbp_slot);
				return c;
			}
			w = (struct walk){slot, pc, sp, rbp, rbp_slot, high, true, exact, false};
			if (!rejoin(thread, &w, changed, &c))
				return c;
			fresh = thread->fresh + c.fresh;
			known = frames + c.kept - 1;
			goto reload;
		}
		if (unlikely(exact) || unlikely(!(r = table_find(table, pc | epoch)))) {
			r = find_row(pc, exact);
			table = load_acquire(&rows);
		}
		fresh->slot = slot;
		fresh->pc = pc;
		fresh->rbp = rbp;
		fresh->rbp_slot = rbp_slot;
		fresh->row = r;
		fresh->exact = exact;
		fresh++;
		if (likely(row_kind(r) == ROW_RSP || row_kind(r) == ROW_RBP)) {
			uintptr_t cfa = sp + (uintptr_t)row_cfa_offset(r);

			/* What a ROW_RSP says was checked when it was made; rbp may be anything. */
			if (row_kind(r) == ROW_RBP) {
				cfa = rbp + (uintptr_t)row_cfa_offset(r);
				if (unlikely(cfa - 8 < sp || (cfa & 7)))
					goto rare;
			}
			if (unlikely(cfa > high || cfa < sp))
				goto rare;
			if (row_rbp(r) == ROW_RBP_AT_CFA) {
				uintptr_t place = cfa + (uintptr_t)row_rbp_offset(r);

				if (unlikely(place < sp || place > high - 8 || (place & 7)))
					goto rare;
				rbp_slot = place;
				rbp = *(const uintptr_t *)place;
			} else if (likely(row_rbp(r) == ROW_RBP_SAME)) {
				rbp_slot = 0;
			} else {
				goto rare;
			}
			slot = cfa - 8;
			sp = cfa;
			pc = *(const uintptr_t *)slot;
			exact = false;
			if (unlikely(!pc)) {
				c.bottom = BOTTOM_REAL;
				break;
			}
		} else {
rare:
			w = (struct walk){slot, pc, sp, rbp, rbp_slot, high, true, exact, false};
			if (!step_rarely(thread, &w, r, &c))
				break;
reload:
			slot = w.slot;
			pc = w.pc;
			sp = w.sp;
			rbp = w.rbp;
			rbp_slot = w.rbp_slot;
			exact = w.exact;
		}
		if (unlikely(fresh == full)) {
			c.bottom = BOTTOM_UNKNOWN;
			break;
		}
	}
	c.kept = 0;
	c.fresh = (uint32_t)(fresh - thread->fresh);
	return c;
}

/*
 * Whether to go without keeping the new frames. In this mode the one in FLAT_PROBE that is kept whole shows at the next
 * backtrace whether that would be worth it again.
 */
static NOINLINE bool is_flat(struct thread *thread, uint32_t fresh, uint32_t kept)
{
	bool changed = fresh > kept && fresh >= FLAT_LEAST;
	uint32_t flat = thread->flat++;

	if (flat < FLAT_AFTER || (flat - FLAT_AFTER) % FLAT_PROBE == 1) {
		if (!changed)
			thread->flat = 0;
		return false;
	}
	return (flat - FLAT_AFTER) % FLAT_PROBE && kept && kept + fresh <= guest.depth;
}

/* The number of a backtrace whose new frames are not kept; 0 if it has none yet. What it shares stays in the cache. */
static NOINLINE uint32_t number_of_flat(struct thread *thread, uint32_t fresh, uint32_t kept, enum ht_entry entry)
{
	uint64_t hash = thread->frames[(int64_t)kept - 1].hash;
	const struct stack_frame *from = &thread->fresh[fresh];

	while (from-- != thread->fresh)
		hash = mix(hash, from);
	thread->frame_count = kept;
	return (uint32_t)table_find(load_acquire(&trace_table), key_of(hash, entry, thread->label));
}

/* More frames than are to be kept, or frames missing below: hash those that count. */
static COLD uint32_t number_of_part(struct thread *thread, struct sighting *s, uint32_t skip, uintptr_t pc)
{
	s->frames = thread->frames + skip;
	s->count = thread->frame_count - skip;
	s->truncated = true;
	return number_of(s, hash_frames(s->frames, s->count), pc);
}

/* What the cache can not do. */
static COLD uint32_t trace_without_cache(struct thread *thread, const struct caller *caller, enum ht_entry entry)
{
	thread->frame_count = 0;
	return trace_plain(thread, caller, entry, thread->fresh, guest.depth);
}

uint32_t unwind_trace(struct thread *thread, const struct caller *caller, enum ht_entry entry)
{
	const struct walk start = {.slot = caller->sp - 8, .pc = caller->pc, .sp = caller->sp, .rbp = caller->rbp,
				   .high = thread->stack_high};
	struct sighting s = {.entry = entry, .thread = thread->label};
	struct collected c;
	uint32_t epoch = load_acquire(&guest.epoch) & 0xffff;

	if (unlikely(thread->shared))
		return trace_shared(thread, caller, entry);
	if (unlikely(!thread_owns(thread, caller->sp)))
		return trace_plain(thread, caller, entry, thread->fresh, guest.depth);
	if (unlikely(thread->epoch != epoch)) {
		thread->epoch = epoch;
		thread->frame_count = 0;
	}
	c = collect(thread, &start);
	/* The cache has lost its older end: once more without it. */
	if (unlikely(c.usable && c.bottom == BOTTOM_UNKNOWN && c.kept && c.kept + c.fresh < guest.depth))
		return trace_without_cache(thread, caller, entry);
	if (unlikely(!c.usable))
		return trace_without_cache(thread, caller, entry);
	thread->bottom = c.bottom;
	bool flat = unlikely(c.fresh > c.kept || thread->flat) && is_flat(thread, c.fresh, c.kept);

	if (unlikely(flat) && !CHECKING) {
		uint32_t number = number_of_flat(thread, c.fresh, c.kept, entry);

		if (number)
			return number;
	}
	if (unlikely(c.kept + c.fresh > STACK_CACHE))
		c.kept = forget_oldest(thread, c.kept);
	keep_frames(thread, c.kept, c.fresh);
	s.frames = thread->frames;
	s.count = thread->frame_count;
	s.truncated = thread->bottom != BOTTOM_REAL;
	if (unlikely(s.count > guest.depth))
		return number_of_part(thread, &s, s.count - guest.depth, caller->pc);
	uint32_t number = number_of(&s, s.frames[(int64_t)s.count - 1].hash, caller->pc);

	/* The checking build needs the frames; then it forgets them as if they had not been kept. */
	if (CHECKING && flat)
		thread->frame_count = c.kept;
	return number;
}
