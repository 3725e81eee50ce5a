// SPDX-License-Identifier: MIT

/*
 * pprof's profile.proto, gzipped: for `pprof`, Perfetto, Pyroscope, Parca and speedscope. The wire format is so small that
 * a writer of our own is shorter than the glue to a library: numbers are varints, messages and strings have a length in
 * front, zeros are left out.
 *
 * Conventions that readers rely on: Go's four sample types by their exact names, and the live bytes last, because the last
 * one is what they show first; ids from 1; leaf first; in a location the innermost inlined function first; an address that
 * lies in the call, not behind it.
 */

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "symbols.h"

/* Fields of the messages that we write. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING, PROFILE_LOCATION, PROFILE_FUNCTION, PROFILE_STRING,
       PROFILE_DROP_FRAMES, PROFILE_TIME = 9, PROFILE_DURATION, PROFILE_PERIOD_TYPE, PROFILE_PERIOD, PROFILE_COMMENT,
       PROFILE_DEFAULT_TYPE };
enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STRING, LABEL_NUMBER };
enum { MAPPING_ID = 1, MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET, MAPPING_FILE, MAPPING_BUILD_ID, MAPPING_FUNCTIONS,
       MAPPING_FILENAMES, MAPPING_LINES, MAPPING_INLINES };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

/** A message being written. */
struct message {
	uint8_t *bytes;
	size_t size, room;
};

/** A mapping and whether all functions in it that we saw have names. */
struct mapped {
	const struct module *module;
	struct mapping range;
	bool named, unnamed;
};

struct profile {
	struct message message;
	struct message scratch[3]; /* nested messages, kept for their memory */
	struct strings strings;
	struct table string_numbers; /* address of the one copy to number */
	uint32_t string_count;
	struct table functions;    /* (name, file) to id */
	struct table locations;    /* frame, or entry point and process, to id */
	struct table mappings;     /* (module, start) to id */
	struct mapped *mapped;
	size_t mapped_count, mapped_room;
	uint32_t function_count, location_count;
	struct stack_lines stack; /* of the backtrace at hand */
	const struct options *options;
};

static void put_byte(struct message *message, uint8_t byte)
{
	message->bytes = memory_grow(message->bytes, message->size, &message->room, 1);
	message->bytes[message->size++] = byte;
}

static void put_varint(struct message *message, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_byte(message, (uint8_t)(value | 0x80));
	put_byte(message, (uint8_t)value);
}

static void put_number(struct message *message, unsigned field, uint64_t value)
{
	if (!value)
		return;
	put_varint(message, field << 3);
	put_varint(message, value);
}

static void put_bytes(struct message *message, unsigned field, const void *bytes, size_t size)
{
	put_varint(message, field << 3 | 2);
	put_varint(message, size);
	for (size_t i = 0; i < size; i++)
		put_byte(message, ((const uint8_t *)bytes)[i]);
}

/** Put a nested message into another and empty it. */
static void put_message(struct message *message, unsigned field, struct message *nested)
{
	put_bytes(message, field, nested->bytes, nested->size);
	nested->size = 0;
}

/** The number of a string in the table, which is written as it grows. */
static uint32_t string_number(struct profile *profile, const char *string)
{
	char *clean = utf8_clean(string);
	const char *kept = strings_keep(&profile->strings, clean);
	bool fresh;
	uint32_t *number = table_at(&profile->string_numbers, (uintptr_t)kept, 0, &fresh);

	if (fresh) {
		*number = profile->string_count++;
		put_bytes(&profile->message, PROFILE_STRING, kept, strlen(kept));
	}
	free(clean);
	return *number;
}

static void put_type(struct profile *profile, unsigned field, const char *type, const char *unit)
{
	struct message *nested = &profile->scratch[0];

	put_number(nested, TYPE_TYPE, string_number(profile, type));
	put_number(nested, TYPE_UNIT, string_number(profile, unit));
	put_message(&profile->message, field, nested);
}

static uint32_t function_id(struct profile *profile, const char *name, const char *file)
{
	struct message *nested = &profile->scratch[0];
	uint32_t name_number = string_number(profile, name), file_number = string_number(profile, file ? file : "");
	bool fresh;
	uint32_t *id = table_at(&profile->functions, name_number, file_number, &fresh);

	if (!fresh)
		return *id;
	*id = ++profile->function_count;
	put_number(nested, FUNCTION_ID, *id);
	put_number(nested, FUNCTION_NAME, name_number);
	put_number(nested, FUNCTION_SYSTEM_NAME, name_number);
	put_number(nested, FUNCTION_FILE, file_number);
	put_message(&profile->message, PROFILE_FUNCTION, nested);
	return *id;
}

/** Mappings are written last, when it is known whether all their functions have names. @return an id, 0 for no module */
static uint32_t mapping_id(struct profile *profile, const struct module *module, uint64_t address)
{
	struct mapping range;
	uint32_t *id;
	bool fresh;

	if (!module)
		return 0;
	range = module_mapping(module, address);
	id = table_at(&profile->mappings, (uintptr_t)module, range.start, &fresh);
	if (fresh) {
		profile->mapped = memory_grow(profile->mapped, profile->mapped_count, &profile->mapped_room,
					      sizeof(*profile->mapped));
		profile->mapped[profile->mapped_count++] = (struct mapped) { .module = module, .range = range };
		*id = (uint32_t)profile->mapped_count;
	}
	return *id;
}

static void put_line(struct profile *profile, struct message *location, const char *function, const char *file,
		     unsigned line)
{
	struct message *nested = &profile->scratch[2];

	put_number(nested, LINE_FUNCTION, function_id(profile, function, file));
	put_number(nested, LINE_LINE, file ? line : 0);
	put_message(location, LOCATION_LINE, nested);
}

/** Begin a location. @return its message, to be put into the profile when its lines are in it */
static struct message *begin_location(struct profile *profile, uint32_t id, const struct module *module, uint64_t address)
{
	struct message *location = &profile->scratch[1];

	put_number(location, LOCATION_ID, id);
	put_number(location, LOCATION_MAPPING, mapping_id(profile, module, address));
	put_number(location, LOCATION_ADDRESS, address);
	return location;
}

/** A place that is known by its name alone: an entry point, where the frames were cut. */
static uint32_t named_location(struct profile *profile, const void *key, uint64_t number, const char *name,
			       const struct module *module, uint64_t address)
{
	struct message *location;
	bool fresh;
	uint32_t *id = table_at(&profile->locations, (uintptr_t)key, number, &fresh);

	if (!fresh)
		return *id;
	*id = ++profile->location_count;
	location = begin_location(profile, *id, module, address);
	put_line(profile, location, name, NULL, 0);
	put_message(&profile->message, PROFILE_LOCATION, location);
	return *id;
}

/** A frame without the first `hidden` of the functions that are inlined into it. */
static uint32_t frame_location(struct profile *profile, const struct frame *frame, unsigned hidden)
{
	uint64_t address = frame->address ? frame->address - 1 : 0;
	struct message *location;
	bool fresh, named = false;
	uint32_t *id = table_at(&profile->locations, (uintptr_t)frame, hidden, &fresh), mapping;

	if (!fresh)
		return *id;
	*id = ++profile->location_count;
	location = begin_location(profile, *id, frame->module, address);
	for (unsigned i = hidden; i < frame->name_count; i++) {
		if (!frame->names[i].function)
			continue;
		put_line(profile, location, frame->names[i].function, frame->names[i].file, frame->names[i].line);
		named = true;
	}
	put_message(&profile->message, PROFILE_LOCATION, location);
	mapping = mapping_id(profile, frame->module, address);
	if (mapping) {
		profile->mapped[mapping - 1].named |= named;
		profile->mapped[mapping - 1].unnamed |= !named;
	}
	return *id;
}

static void put_locations(struct profile *profile, struct message *sample, const struct model *model,
			  const struct backtrace *backtrace)
{
	struct message ids = { 0 };
	size_t hidden = 0;

	stack_lines_make(&profile->stack, model, backtrace, true);
	if (!profile->options->keep_allocator)
		hidden = stack_lines_hidden(&profile->stack);
	/* The entry point stays: pprof drops it itself, and says so. What else is hidden it does not know. */
	put_varint(&ids, named_location(profile, model, 1 + (uint64_t)backtrace->entry, entry_name(backtrace->entry),
					model_self(model), model->entries[backtrace->entry]));
	hidden -= hidden > 0;
	for (unsigned i = 0; i < backtrace->depth; i++) {
		const struct frame *frame = backtrace->frames[i];
		unsigned cut = hidden < frame->name_count ? (unsigned)hidden : frame->name_count;

		if (cut < frame->name_count)
			put_varint(&ids, frame_location(profile, frame, cut));
		hidden -= cut;
	}
	if (backtrace->truncated)
		put_varint(&ids, named_location(profile, NULL, 0, "[truncated]", NULL, 0));
	put_bytes(sample, SAMPLE_LOCATION, ids.bytes, ids.size);
	free(ids.bytes);
}

static void put_label(struct profile *profile, struct message *sample, const char *key, const char *string, uint64_t number)
{
	struct message *label = &profile->scratch[0];

	put_number(label, LABEL_KEY, string_number(profile, key));
	if (string)
		put_number(label, LABEL_STRING, string_number(profile, string));
	put_number(label, LABEL_NUMBER, number);
	put_message(sample, SAMPLE_LABEL, label);
}

/** The values in the order of sample_types. */
static void put_values(struct message *sample, const struct backtrace *backtrace)
{
	const uint64_t values[] = { backtrace->at_peak_blocks, backtrace->at_peak_bytes, backtrace->total_blocks,
				    backtrace->total_bytes, backtrace->live_blocks, backtrace->live_bytes };
	struct message packed = { 0 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		put_varint(&packed, values[i]);
	put_bytes(sample, SAMPLE_VALUE, packed.bytes, packed.size);
	free(packed.bytes);
}

static void put_model(struct profile *profile, struct model *model, bool labelled)
{
	struct message sample = { 0 };
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, profile->options);

	symbols_name_all(model, profile->options);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (backtrace->ignored)
			continue;
		put_locations(profile, &sample, model, backtrace);
		put_values(&sample, backtrace);
		if (labelled) {
			put_label(profile, &sample, "process", model->name, 0);
			put_label(profile, &sample, "pid", NULL, (uint64_t)model->pid);
		}
		if (backtrace->thread) {
			put_label(profile, &sample, "thread", backtrace->thread->name, 0);
			put_label(profile, &sample, "thread_id", NULL, backtrace->thread->tid);
		}
		put_message(&profile->message, PROFILE_SAMPLE, &sample);
	}
	free(sample.bytes);
	rules_free(rules);
}

static void put_mappings(struct profile *profile)
{
	for (size_t i = 0; i < profile->mapped_count; i++) {
		const struct mapped *mapped = &profile->mapped[i];
		struct message *nested = &profile->scratch[0];
		bool named = mapped->named && !mapped->unnamed;
		char build_id[2 * sizeof(mapped->module->build_id) + 1] = "";

		for (uint32_t j = 0; j < mapped->module->build_id_size; j++)
			snprintf(build_id + 2 * j, 3, "%02x", mapped->module->build_id[j]);
		put_number(nested, MAPPING_ID, i + 1);
		put_number(nested, MAPPING_START, mapped->range.start);
		put_number(nested, MAPPING_LIMIT, mapped->range.limit);
		put_number(nested, MAPPING_OFFSET, mapped->range.offset);
		put_number(nested, MAPPING_FILE, string_number(profile, mapped->module->path));
		put_number(nested, MAPPING_BUILD_ID, string_number(profile, build_id));
		put_number(nested, MAPPING_FUNCTIONS, named);
		put_number(nested, MAPPING_FILENAMES, named && profile->options->lines);
		put_number(nested, MAPPING_LINES, named && profile->options->lines);
		put_number(nested, MAPPING_INLINES, named && profile->options->lines && profile->options->inlines);
		put_message(&profile->message, PROFILE_MAPPING, nested);
	}
}

/**
 * pprof drops what matches with all below it, so the callers of the allocator become the leaves. It looks at names without
 * their argument lists, other readers at whole ones.
 */
static const char drop_frames[] =
	"malloc|calloc|realloc|reallocarray|memalign|posix_memalign|aligned_alloc|valloc|pvalloc|__libc_[a-z]*alloc|"
	"__libc_memalign|operator new(\\[\\])?(\\(.*)?|(__gnu_cxx::new_allocator|std::__new_allocator|std::allocator_traits|"
	"__gnu_cxx::__alloc_traits|std::allocator|std::__1::allocator(_traits)?)<.*>::allocate(\\(.*)?|"
	".*::_M_allocate(\\(.*)?|std::__1::__libcpp_allocate.*";

static void put_head(struct profile *profile, const struct model *model)
{
	struct message *message = &profile->message;

	string_number(profile, ""); /* number 0 has to be this */
	put_type(profile, PROFILE_SAMPLE_TYPE, "peak_objects", "count");
	put_type(profile, PROFILE_SAMPLE_TYPE, "peak_space", "bytes");
	put_type(profile, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
	put_type(profile, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
	put_type(profile, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
	put_type(profile, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
	put_type(profile, PROFILE_PERIOD_TYPE, "space", "bytes");
	put_number(message, PROFILE_PERIOD, 1);
	put_number(message, PROFILE_DEFAULT_TYPE, string_number(profile, "inuse_space"));
	put_number(message, PROFILE_COMMENT, string_number(profile, "heaptrace " HT_RELEASE));
	if (!profile->options->keep_allocator)
		put_number(message, PROFILE_DROP_FRAMES, string_number(profile, drop_frames));
	if (!model)
		return;
	put_number(message, PROFILE_TIME, model->start_wall + model->now_ns);
	put_number(message, PROFILE_DURATION, model->now_ns > model->start_ns ? model->now_ns - model->start_ns : 0);
}

/** Readers take the first mapping for the program itself. */
static void put_program_first(struct profile *profile, const struct model *model)
{
	for (size_t i = 0; i < model->module_count; i++) {
		if (model->modules[i].flags & HT_MODULE_MAIN) {
			mapping_id(profile, &model->modules[i], 0);
			return;
		}
	}
}

static int write_gzip(FILE *out, const struct message *message)
{
	const size_t most = 1u << 30;
	uint8_t packed[65536];
	z_stream stream = { 0 };
	size_t done = 0;
	int state = Z_OK;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		errno = ENOMEM;
		return -1;
	}
	while (state != Z_STREAM_END) {
		if (!stream.avail_in && done < message->size) {
			stream.next_in = message->bytes + done;
			stream.avail_in = (uInt)(message->size - done < most ? message->size - done : most);
			done += stream.avail_in;
		}
		stream.next_out = packed;
		stream.avail_out = sizeof(packed);
		state = deflate(&stream, done < message->size ? Z_NO_FLUSH : Z_FINISH);
		fwrite(packed, 1, sizeof(packed) - stream.avail_out, out);
	}
	deflateEnd(&stream);
	return fflush(out) || ferror(out) ? -1 : 0;
}

static void free_profile(struct profile *profile)
{
	for (size_t i = 0; i < sizeof(profile->scratch) / sizeof(profile->scratch[0]); i++)
		free(profile->scratch[i].bytes);
	free(profile->message.bytes);
	free(profile->mapped);
	free(profile->stack.lines);
	strings_free(&profile->strings);
	table_free(&profile->string_numbers);
	table_free(&profile->functions);
	table_free(&profile->locations);
	table_free(&profile->mappings);
}

int report_pprof(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct profile profile = { .options = options };
	int result;

	put_head(&profile, count ? models[0] : NULL);
	if (count)
		put_program_first(&profile, models[0]);
	for (size_t i = 0; i < count; i++)
		put_model(&profile, models[i], count > 1);
	put_mappings(&profile);
	result = write_gzip(out, &profile.message);
	free_profile(&profile);
	return result;
}
