// SPDX-License-Identifier: MIT

/*
 * .eh_frame: a binary search table (.eh_frame_hdr) leads to the FDE of a function; its CIE and its own instructions,
 * executed up to the address, give a rule for the CFA and one for each register. See DWARF 5 section 6.4 and the LSB's
 * chapter on exception frames for the encodings.
 */

#include "cfi.h"
#include "guest.h"

#include "dwarf_codes.h"
#include <link.h>
#include <string.h>

enum rule_kind { SAME, UNDEFINED, AT_CFA, CFA_PLUS, IN_REGISTER, AT_EXPRESSION, IS_EXPRESSION };

/* A register's rule. Several sets of them lie on the stack of a stranger, who may have little of it: they are packed. */
struct rule {
	int64_t kind : 8;   /* enum rule_kind */
	int64_t value : 56; /* offset, register number, or address of an expression, whose length as ULEB128 stands first */
};

struct rules {
	const uint8_t *cfa_expression; /* NULL: register + offset */
	uint32_t cfa_register;
	int32_t cfa_offset;
	struct rule registers[CFI_COUNT];
};

/* A CIE and an FDE, taken apart. */
struct frame_entry {
	const uint8_t *cie_code, *cie_end, *fde_code, *fde_end;
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding;
	bool augmented, signal;
	uintptr_t start, size;
};

/* Reads within one object; `end` is where reading must stop. */
struct cursor {
	const uint8_t *at, *end;
};

#define MAX_REMEMBERED 4 /* compilers need one */

static uint64_t read_fixed(struct cursor *c, unsigned size)
{
	uint64_t value = 0;

	if (size > (size_t)(c->end - c->at)) {
		c->at = c->end;
		return 0;
	}
	memcpy(&value, c->at, size);
	c->at += size;
	return value;
}

static uint64_t read_uleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; c->at < c->end; shift += 7) {
		uint8_t byte = *c->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static int64_t read_sleb(struct cursor *c)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte = 0;

	while (c->at < c->end) {
		byte = *c->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			break;
	}
	if ((byte & 0x40) && shift < 64)
		value |= ~0ull << shift;
	return (int64_t)value;
}

/* A pointer in one of the DW_EH_PE_* encodings. */
static uintptr_t read_encoded(struct cursor *c, uint8_t encoding, uintptr_t data_base)
{
	uintptr_t here = (uintptr_t)c->at, value;

	switch (encoding & 0x0f) {
	case DW_EH_PE_udata2: value = (uint16_t)read_fixed(c, 2); break;
	case DW_EH_PE_sdata2: value = (uintptr_t)(int16_t)read_fixed(c, 2); break;
	case DW_EH_PE_udata4: value = (uint32_t)read_fixed(c, 4); break;
	case DW_EH_PE_sdata4: value = (uintptr_t)(int32_t)read_fixed(c, 4); break;
	case DW_EH_PE_uleb128: value = read_uleb(c); break;
	case DW_EH_PE_sleb128: value = (uintptr_t)read_sleb(c); break;
	default: value = read_fixed(c, 8); break;
	}
	switch (encoding & 0x70) {
	case DW_EH_PE_pcrel: return value + here;
	case DW_EH_PE_datarel: return value + data_base;
	default: return value;
	}
}

static bool parse_cie(const uint8_t *cie, const uint8_t *limit, struct frame_entry *entry)
{
	struct cursor c = {cie, limit};
	uint64_t length = read_fixed(&c, 4);

	if (length == 0xffffffff)
		length = read_fixed(&c, 8);
	if (length > (size_t)(limit - c.at))
		return false;
	c.end = c.at + length;
	entry->cie_end = c.end;
	read_fixed(&c, 4); /* id */
	uint8_t version = (uint8_t)read_fixed(&c, 1);
	const char *augmentation = (const char *)c.at;

	while (c.at < c.end && *c.at)
		c.at++;
	if (c.at++ >= c.end || (version != 1 && version != 3))
		return false;
	entry->code_align = read_uleb(&c);
	entry->data_align = read_sleb(&c);
	uint64_t return_register = version == 1 ? read_fixed(&c, 1) : read_uleb(&c);

	entry->encoding = DW_EH_PE_absptr;
	entry->augmented = *augmentation == 'z';
	if (entry->augmented) {
		uint64_t size = read_uleb(&c);

		if (size > (size_t)(c.end - c.at))
			return false;
		entry->cie_code = c.at + size;
		for (const char *a = augmentation + 1; *a; a++) {
			if (*a == 'R')
				entry->encoding = (uint8_t)read_fixed(&c, 1);
			else if (*a == 'P')
				read_encoded(&c, (uint8_t)read_fixed(&c, 1), 0);
			else if (*a == 'L')
				read_fixed(&c, 1);
			else if (*a == 'S')
				entry->signal = true;
			else
				break;
		}
	} else {
		if (*augmentation)
			return false;
		entry->cie_code = c.at;
	}
	return return_register == CFI_RA;
}

/* The 32-bit CIE pointer of .eh_frame counts back from its own place. */
static bool parse_fde(const uint8_t *fde, const uint8_t *limit, struct frame_entry *entry)
{
	struct cursor c = {fde, limit};
	uint64_t length = read_fixed(&c, 4);

	*entry = (struct frame_entry){0};
	if (length == 0xffffffff)
		length = read_fixed(&c, 8);
	if (!length || length > (size_t)(limit - c.at))
		return false;
	const uint8_t *here = c.at;

	c.end = c.at + length;
	uint32_t back = (uint32_t)read_fixed(&c, 4);

	if (!back || !parse_cie(here - back, limit, entry))
		return false;
	entry->start = read_encoded(&c, entry->encoding, 0);
	entry->size = read_encoded(&c, entry->encoding & 0x0f, 0);
	if (entry->augmented) {
		uint64_t size = read_uleb(&c);

		if (size > (size_t)(c.end - c.at))
			return false;
		c.at += size;
	}
	entry->fde_code = c.at;
	entry->fde_end = c.end;
	return true;
}

/* .eh_frame_hdr: version, three encodings, pointer to .eh_frame, count, sorted pairs (address, FDE). */
static bool find_fde(uintptr_t pc, const struct object *object, struct frame_entry *entry)
{
	const uint8_t *header = object->eh_frame_hdr;
	const uint8_t *limit = (const uint8_t *)object->end;
	struct cursor c = {header, limit};

	if (!header || read_fixed(&c, 1) != 1)
		return false;
	uint8_t frame_encoding = (uint8_t)read_fixed(&c, 1), count_encoding = (uint8_t)read_fixed(&c, 1);
	uint8_t table_encoding = (uint8_t)read_fixed(&c, 1);

	read_encoded(&c, frame_encoding, (uintptr_t)header);
	if (count_encoding == DW_EH_PE_omit || table_encoding != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	uint64_t count = read_encoded(&c, count_encoding, (uintptr_t)header);
	const int32_t *table = (const int32_t *)c.at;

	if (!count || count > (size_t)(limit - c.at) / 8)
		return false;
	int64_t wanted = (int64_t)(pc - (uintptr_t)header);
	uint64_t low = 0, high = count;

	while (high - low > 1) {
		uint64_t middle = (low + high) / 2;

		if (table[2 * middle] <= wanted)
			low = middle;
		else
			high = middle;
	}
	return parse_fde(header + table[2 * low + 1], limit, entry) && pc - entry->start < entry->size;
}

/* Where an instruction's register is kept; numbers that we do not follow go into a bin. */
static struct rule *rule_of(struct rules *rules, uint64_t number, struct rule *bin)
{
	return number < CFI_COUNT ? &rules->registers[number] : bin;
}

static const uint8_t *take_block(struct cursor *c)
{
	const uint8_t *block = c->at;
	uint64_t length = read_uleb(c);

	c->at = length > (size_t)(c->end - c->at) ? c->end : c->at + length;
	return block;
}

/* State of the call frame program. */
struct program {
	struct cursor c;
	struct rules *now;
	const struct rules *initial;
	struct rules *remembered;
	unsigned depth;
	uintptr_t at; /* address that the current row begins at */
	const struct frame_entry *entry;
};

static bool set_cfa_offset(struct rules *rules, int64_t offset)
{
	rules->cfa_offset = (int32_t)offset;
	return rules->cfa_offset == offset;
}

/* Instructions of the extended set that set a register or the CFA. False: unknown, give up. */
static bool run_register(struct program *p, uint8_t op)
{
	struct rules *now = p->now;
	int64_t data_align = p->entry->data_align;
	struct rule bin;
	uint64_t number;

	switch (op) {
	case DW_CFA_def_cfa:
		now->cfa_expression = NULL;
		now->cfa_register = (uint32_t)read_uleb(&p->c);
		return set_cfa_offset(now, (int64_t)read_uleb(&p->c));
	case DW_CFA_def_cfa_sf:
		now->cfa_expression = NULL;
		now->cfa_register = (uint32_t)read_uleb(&p->c);
		return set_cfa_offset(now, read_sleb(&p->c) * data_align);
	case DW_CFA_def_cfa_register:
		now->cfa_expression = NULL;
		now->cfa_register = (uint32_t)read_uleb(&p->c);
		return true;
	case DW_CFA_def_cfa_offset:
		return set_cfa_offset(now, (int64_t)read_uleb(&p->c));
	case DW_CFA_def_cfa_offset_sf:
		return set_cfa_offset(now, read_sleb(&p->c) * data_align);
	case DW_CFA_def_cfa_expression:
		now->cfa_expression = take_block(&p->c);
		return true;
	}
	number = read_uleb(&p->c);
	struct rule *rule = rule_of(now, number, &bin);

	switch (op) {
	case DW_CFA_offset_extended: *rule = (struct rule){AT_CFA, (int64_t)read_uleb(&p->c) * data_align}; break;
	case DW_CFA_offset_extended_sf: *rule = (struct rule){AT_CFA, read_sleb(&p->c) * data_align}; break;
	case DW_CFA_val_offset: *rule = (struct rule){CFA_PLUS, (int64_t)read_uleb(&p->c) * data_align}; break;
	case DW_CFA_val_offset_sf: *rule = (struct rule){CFA_PLUS, read_sleb(&p->c) * data_align}; break;
	case DW_CFA_restore_extended: *rule = number < CFI_COUNT ? p->initial->registers[number] : bin; break;
	case DW_CFA_undefined: *rule = (struct rule){UNDEFINED, 0}; break;
	case DW_CFA_same_value: *rule = (struct rule){SAME, 0}; break;
	case DW_CFA_register: *rule = (struct rule){IN_REGISTER, (int64_t)read_uleb(&p->c)}; break;
	case DW_CFA_expression: *rule = (struct rule){AT_EXPRESSION, (int64_t)take_block(&p->c)}; break;
	case DW_CFA_val_expression: *rule = (struct rule){IS_EXPRESSION, (int64_t)take_block(&p->c)}; break;
	default: return false;
	}
	return true;
}

static bool run_one(struct program *p)
{
	uint8_t op = *p->c.at++;
	uint64_t align = p->entry->code_align;
	struct rule bin;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc: p->at += (op & 0x3f) * align; return true;
	case DW_CFA_offset:
		*rule_of(p->now, op & 0x3f, &bin) =
			(struct rule){AT_CFA, (int64_t)read_uleb(&p->c) * p->entry->data_align};
		return true;
	case DW_CFA_restore:
		if ((op & 0x3f) < CFI_COUNT)
			p->now->registers[op & 0x3f] = p->initial->registers[op & 0x3f];
		return true;
	}
	switch (op) {
	case DW_CFA_nop: return true;
	case DW_CFA_set_loc: p->at = read_encoded(&p->c, p->entry->encoding, 0); return true;
	case DW_CFA_advance_loc1: p->at += read_fixed(&p->c, 1) * align; return true;
	case DW_CFA_advance_loc2: p->at += read_fixed(&p->c, 2) * align; return true;
	case DW_CFA_advance_loc4: p->at += read_fixed(&p->c, 4) * align; return true;
	case DW_CFA_GNU_args_size: read_uleb(&p->c); return true;
	case DW_CFA_remember_state:
		if (p->depth == MAX_REMEMBERED)
			return false;
		p->remembered[p->depth++] = *p->now;
		return true;
	case DW_CFA_restore_state:
		if (!p->depth)
			return false;
		*p->now = p->remembered[--p->depth];
		return true;
	}
	return run_register(p, op);
}

/* Execute instructions until the row for `pc` is complete. */
static bool run(struct program *p, const uint8_t *code, const uint8_t *end, uintptr_t pc)
{
	p->c = (struct cursor){code, end};
	while (p->c.at < p->c.end) {
		const uint8_t *before = p->c.at;
		uintptr_t at = p->at;

		if (!run_one(p))
			return false;
		if (p->at > pc) {
			p->at = at;
			p->c.at = before;
			return true;
		}
	}
	return true;
}

static bool rules_for(uintptr_t pc, const struct frame_entry *entry, struct rules *rules)
{
	struct rules initial = {0}, remembered[MAX_REMEMBERED];
	struct program p = {.now = rules, .initial = &initial, .remembered = remembered, .at = entry->start, .entry = entry};

	*rules = initial;
	if (!run(&p, entry->cie_code, entry->cie_end, UINTPTR_MAX))
		return false;
	initial = *rules;
	p.at = entry->start;
	return run(&p, entry->fde_code, entry->fde_end, pc);
}

static const uint8_t *rule_expression(const struct rule *rule)
{
	return (const uint8_t *)(uintptr_t)rule->value;
}

/* What an expression may use. */
struct machine {
	const struct registers *registers;
	uintptr_t low, high; /* memory that may be read */
	bool failed;
	bool impure;         /* read memory, or a register other than rsp and the return address */
};

static uintptr_t machine_register(struct machine *m, uint64_t number, int64_t offset)
{
	if (number >= CFI_COUNT || !(m->registers->valid >> number & 1)) {
		m->failed = true;
		return 0;
	}
	m->impure |= number != CFI_RSP && number != CFI_RA;
	return m->registers->value[number] + (uintptr_t)offset;
}

static uintptr_t machine_load(struct machine *m, uintptr_t address)
{
	m->impure = true;
	if ((address & 7) || address < m->low || address + 8 > m->high || address + 8 < address) {
		m->failed = true;
		return 0;
	}
	return *(const uintptr_t *)address;
}

static bool binary_operation(uint8_t op, uintptr_t a, uintptr_t b, uintptr_t *result)
{
	switch (op) {
	case DW_OP_plus: *result = a + b; return true;
	case DW_OP_minus: *result = a - b; return true;
	case DW_OP_and: *result = a & b; return true;
	case DW_OP_or: *result = a | b; return true;
	case DW_OP_xor: *result = a ^ b; return true;
	case DW_OP_mul: *result = a * b; return true;
	case DW_OP_shl: *result = b < 64 ? a << b : 0; return true;
	case DW_OP_shr: *result = b < 64 ? a >> b : 0; return true;
	case DW_OP_eq: *result = a == b; return true;
	case DW_OP_ne: *result = a != b; return true;
	case DW_OP_ge: *result = (intptr_t)a >= (intptr_t)b; return true;
	case DW_OP_gt: *result = (intptr_t)a > (intptr_t)b; return true;
	case DW_OP_le: *result = (intptr_t)a <= (intptr_t)b; return true;
	case DW_OP_lt: *result = (intptr_t)a < (intptr_t)b; return true;
	}
	return false;
}

/* Operators that push one value; false: not one of them. */
static bool push_operation(struct machine *m, struct cursor *c, uint8_t op, uintptr_t *value)
{
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		*value = op - DW_OP_lit0;
		return true;
	}
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		*value = machine_register(m, op - DW_OP_breg0, read_sleb(c));
		return true;
	}
	switch (op) {
	case DW_OP_addr: case DW_OP_const8u: case DW_OP_const8s: *value = read_fixed(c, 8); return true;
	case DW_OP_const1u: *value = read_fixed(c, 1); return true;
	case DW_OP_const1s: *value = (uintptr_t)(int8_t)read_fixed(c, 1); return true;
	case DW_OP_const2u: *value = read_fixed(c, 2); return true;
	case DW_OP_const2s: *value = (uintptr_t)(int16_t)read_fixed(c, 2); return true;
	case DW_OP_const4u: *value = read_fixed(c, 4); return true;
	case DW_OP_const4s: *value = (uintptr_t)(int32_t)read_fixed(c, 4); return true;
	case DW_OP_constu: *value = read_uleb(c); return true;
	case DW_OP_consts: *value = (uintptr_t)read_sleb(c); return true;
	}
	return false;
}

#define MACHINE_STACK 16

static bool evaluate(struct machine *m, const uint8_t *expression, bool push_cfa, uintptr_t cfa, uintptr_t *result)
{
	struct cursor c = {expression, expression + 16};
	uint64_t length = read_uleb(&c);
	uintptr_t stack[MACHINE_STACK + 1];
	unsigned depth = 0;

	c.end = c.at + length;
	if (push_cfa)
		stack[depth++] = cfa;
	while (c.at < c.end && !m->failed) {
		uint8_t op = *c.at++;

		if (depth < MACHINE_STACK && push_operation(m, &c, op, &stack[depth])) {
			depth++;
		} else if (op == DW_OP_nop) {
			continue;
		} else if (!depth) {
			return false;
		} else if (op == DW_OP_deref) {
			stack[depth - 1] = machine_load(m, stack[depth - 1]);
		} else if (op == DW_OP_plus_uconst) {
			stack[depth - 1] += read_uleb(&c);
		} else if (op == DW_OP_dup && depth < MACHINE_STACK) {
			stack[depth] = stack[depth - 1];
			depth++;
		} else if (op == DW_OP_drop) {
			depth--;
		} else if (depth >= 2 && binary_operation(op, stack[depth - 2], stack[depth - 1], &stack[depth - 2])) {
			depth--;
		} else {
			return false;
		}
	}
	*result = depth ? stack[depth - 1] : 0;
	return depth && !m->failed;
}

static row pack(enum row_kind kind, int64_t cfa_offset, enum row_rbp rbp, int64_t rbp_offset)
{
	if (kind == ROW_RSP && (cfa_offset < 8 || (cfa_offset & 7) ||
				(rbp == ROW_RBP_AT_CFA && (rbp_offset < -cfa_offset || rbp_offset > -16))))
		return ROW_FULL;
	if (cfa_offset < -(1 << 23) || cfa_offset >= (1 << 23) || (rbp_offset & 7) || rbp_offset / 8 < -(1 << 15) ||
	    rbp_offset / 8 >= (1 << 15))
		return ROW_FULL;
	return (row)kind | (row)rbp << 3 | ((row)cfa_offset & 0xffffff) << 8 | ((row)(rbp_offset / 8) & 0xffff) << 32;
}

/* DW_OP_breg6 n, DW_OP_deref: gcc's realigned stacks. */
static bool is_rbp_expression(const uint8_t *expression, bool deref, int64_t *offset)
{
	struct cursor c = {expression, expression + 16};
	uint64_t length = read_uleb(&c);

	c.end = c.at + (length < 15 ? length : 15);
	if (c.at >= c.end || *c.at++ != DW_OP_breg0 + CFI_RBP)
		return false;
	*offset = read_sleb(&c);
	if (deref && (c.at >= c.end || *c.at++ != DW_OP_deref))
		return false;
	return c.at == c.end;
}

/* The PLT's CFA is an expression of rsp and the address: with a known address it is rsp + constant. */
static bool is_rsp_expression(const uint8_t *expression, uintptr_t pc, int64_t *offset)
{
	struct registers registers = {.valid = 1u << CFI_RSP | 1u << CFI_RA};
	struct machine m = {.registers = &registers};
	uintptr_t with0, with1;

	registers.value[CFI_RA] = pc;
	if (!evaluate(&m, expression, false, 0, &with0))
		return false;
	registers.value[CFI_RSP] = 4096;
	if (!evaluate(&m, expression, false, 0, &with1))
		return false;
	*offset = (int64_t)with0;
	return !m.impure && with1 == with0 + 4096;
}

static row pack_rules(const struct rules *rules, uintptr_t pc)
{
	const struct rule *ra = &rules->registers[CFI_RA], *rbp = &rules->registers[CFI_RBP];
	enum row_rbp rbp_kind = ROW_RBP_SAME;
	int64_t cfa_offset = rules->cfa_offset, rbp_offset = 0;
	enum row_kind kind;

	if (ra->kind == UNDEFINED)
		return ROW_END;
	if (ra->kind != AT_CFA || ra->value != -8 || rules->registers[CFI_RSP].kind != SAME)
		return ROW_FULL;
	if (rbp->kind == AT_CFA) {
		rbp_kind = ROW_RBP_AT_CFA;
		rbp_offset = rbp->value;
	} else if (rbp->kind == AT_EXPRESSION && is_rbp_expression(rule_expression(rbp), false, &rbp_offset)) {
		rbp_kind = ROW_RBP_AT_RBP;
	} else if (rbp->kind != SAME) {
		return ROW_FULL;
	}
	if (!rules->cfa_expression && rules->cfa_register == CFI_RSP)
		kind = ROW_RSP;
	else if (!rules->cfa_expression && rules->cfa_register == CFI_RBP)
		kind = ROW_RBP;
	else if (rules->cfa_expression && is_rbp_expression(rules->cfa_expression, true, &cfa_offset))
		kind = ROW_RBP_DEREF;
	else if (rules->cfa_expression && is_rsp_expression(rules->cfa_expression, pc, &cfa_offset))
		kind = ROW_RSP;
	else
		return ROW_FULL;
	return pack(kind, cfa_offset, rbp_kind, rbp_offset);
}

/* The kernel's frame: mov $__NR_rt_sigreturn, %rax; syscall. */
static bool is_sigreturn(uintptr_t pc)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};

	return memcmp((const void *)pc, code, sizeof(code)) == 0;
}

row cfi_row(uintptr_t pc, bool exact, struct object *object)
{
	struct frame_entry entry;
	struct rules rules;

	if (!object_find(pc - !exact, object)) {
		*object = (struct object){0};
		return ROW_NONE;
	}
	if (!find_fde(pc - !exact, object, &entry)) {
		/* A signal's return address is the trampoline's first byte: one before it is another function. */
		if (exact || !find_fde(pc, object, &entry) || !entry.signal)
			return ROW_NONE;
	}
	if (entry.signal && is_sigreturn(pc))
		return ROW_SIGNAL;
	if (!rules_for(pc - !exact, &entry, &rules))
		return ROW_FULL;
	return pack_rules(&rules, pc);
}

static bool apply_rule(const struct rule *rule, const struct registers *old, uintptr_t cfa, unsigned number,
		       struct machine *m, uintptr_t *value)
{
	uintptr_t address;

	switch (rule->kind) {
	case SAME: *value = old->value[number]; return old->valid >> number & 1;
	case UNDEFINED: return false;
	case AT_CFA: *value = machine_load(m, cfa + (uintptr_t)rule->value); break;
	case CFA_PLUS: *value = cfa + (uintptr_t)rule->value; return true;
	case IN_REGISTER: *value = machine_register(m, (uint64_t)rule->value, 0); break;
	case AT_EXPRESSION:
		if (!evaluate(m, rule_expression(rule), true, cfa, &address))
			return false;
		*value = machine_load(m, address);
		break;
	case IS_EXPRESSION: return evaluate(m, rule_expression(rule), true, cfa, value);
	}
	return !m->failed;
}

bool cfi_step(struct registers *registers, bool *exact, uintptr_t low, uintptr_t high)
{
	uintptr_t pc = registers->value[CFI_RA], cfa;
	struct registers old = *registers;
	struct machine m = {.registers = &old, .low = low, .high = high};
	struct frame_entry entry;
	struct object object;
	struct rules rules;
	bool found = object_find(pc - !*exact, &object) && find_fde(pc - !*exact, &object, &entry);

	if (!found && !*exact && object_find(pc, &object))
		found = find_fde(pc, &object, &entry) && entry.signal;
	if (!found || !rules_for(entry.signal ? pc : pc - !*exact, &entry, &rules))
		return false;
	if (rules.registers[CFI_RA].kind == UNDEFINED)
		return false;
	if (rules.cfa_expression) {
		if (!evaluate(&m, rules.cfa_expression, false, 0, &cfa))
			return false;
	} else {
		cfa = machine_register(&m, rules.cfa_register, rules.cfa_offset);
	}
	if (m.failed)
		return false;
	registers->valid = 0;
	for (unsigned i = 0; i < CFI_COUNT; i++) {
		m.failed = false;
		if (apply_rule(&rules.registers[i], &old, cfa, i, &m, &registers->value[i]))
			registers->valid |= 1u << i;
	}
	if (rules.registers[CFI_RSP].kind == SAME) {
		registers->value[CFI_RSP] = cfa;
		registers->valid |= 1u << CFI_RSP;
	}
	*exact = entry.signal;
	return (registers->valid >> CFI_RA & 1) && registers->value[CFI_RA];
}
