// SPDX-License-Identifier: MIT

/*
 * The page around the data of an HTML report: see html_page.h. The files are taken in by the assembler, as they are; make
 * knows that this depends on them. Scripts share one scope, in the order in which they stand here.
 */

#include "html_page.h"

#include <string.h>

#include "sha256.h"

#define EMBED(name, files) \
	extern const char name[], name##_end[]; \
	__asm__(".pushsection .rodata\n" \
		".globl " #name "\n.hidden " #name "\n.globl " #name "_end\n.hidden " #name "_end\n" \
		#name ":\n" files #name "_end:\n.byte 0\n.popsection\n")
#define TAKE(file) ".incbin \"tools/html/" file "\"\n"

EMBED(html_markup, TAKE("page.html"));
EMBED(html_style, TAKE("page.css"));
EMBED(html_script, TAKE("units.js") TAKE("data.js") TAKE("trie.js") TAKE("timeline.js") TAKE("flame.js") TAKE("table.js")
	TAKE("summary.js") TAKE("page.js"));

static void put(FILE *out, const char *from, const char *end)
{
	fwrite(from, 1, (size_t)(end - from), out);
}

static void put_policy(FILE *out)
{
	struct sha256_text script = sha256_base64(html_script, (size_t)(html_script_end - html_script));
	struct sha256_text style = sha256_base64(html_style, (size_t)(html_style_end - html_style));

	fprintf(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-%s'; "
		"style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'\">\n", script.text, style.text);
}

/** What a mark in the markup stands for. */
static void put_part(FILE *out, const char *mark, html_data_writer *write_data, void *what)
{
	if (!strncmp(mark, "policy", 6)) {
		put_policy(out);
	} else if (!strncmp(mark, "style", 5)) {
		fputs("<style>", out);
		put(out, html_style, html_style_end);
		fputs("</style>\n", out);
	} else if (!strncmp(mark, "data", 4)) {
		fputs("<script type=\"application/json\" id=\"heaptrace-data\">\n", out);
		write_data(out, what);
		fputs("</script>\n", out);
	} else {
		fputs("<script>", out);
		put(out, html_script, html_script_end);
		fputs("</script>\n", out);
	}
}

void html_page(FILE *out, html_data_writer *write_data, void *what)
{
	static const char start[] = "<!--heaptrace:", end[] = "-->\n";
	const char *at = html_markup, *mark;

	while ((mark = strstr(at, start))) {
		put(out, at, mark);
		put_part(out, mark + strlen(start), write_data, what);
		at = strstr(mark, end);
		if (!at)
			return;
		at += strlen(end);
	}
	put(out, at, html_markup_end);
}
