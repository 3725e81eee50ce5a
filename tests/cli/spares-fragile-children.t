#!/bin/sh
# SPDX-License-Identifier: MIT
# Children that would not survive the library in LD_PRELOAD (sanitizers, musl) run as untraced, however they are executed:
# their environment is as without us. All others get it as ever, and what fails fails as ever.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
cc=${CC:-gcc}

# What a program is given: arguments, environment, descriptors.
cat >shows.c <<'C'
#include <fcntl.h>
#include <stdio.h>
extern char **environ;
int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) printf("argument %s\n", argv[i]);
	for (char **e = environ; *e; e++) printf("variable %s\n", *e);
	for (int i = 0; i < 20; i++) if (fcntl(i, F_GETFD) >= 0) printf("descriptor %d\n", i);
	return 7;
}
C
# A library with the name of a sanitizer's, and programs that need it, or bring a symbol of one, or do neither.
echo 'int nothing;' >nothing.c
echo 'extern int nothing; int *use = &nothing;' >use.c
echo 'void __msan_init(void) {}' >msan.c
{ $cc -shared -fPIC -o other.so nothing.c && cp other.so more.so && $cc -shared -fPIC -Wl,-soname,libasan.so.99 -o libasan.so.99 nothing.c &&
	$cc -w -o plain shows.c && $cc -w -o needs shows.c use.c libasan.so.99 -Wl,-rpath,"$T" &&
	$cc -w -rdynamic -o brings shows.c msan.c; } || bail "compiled"

cat >start.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static char *program, **arguments;
static const char *how;

static int execute(void)
{
	char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	if (!strcmp(how, "execve")) return execve(program, arguments, environ);
	if (!strcmp(how, "execv")) return execv(program, arguments);
	if (!strcmp(how, "execvp")) return execvp(name, arguments);
	if (!strcmp(how, "execvp-path")) return execvp(program, arguments);
	if (!strcmp(how, "execvpe")) return execvpe(name, arguments, environ);
	if (!strcmp(how, "execl")) return execl(program, arguments[0], arguments[1], NULL);
	if (!strcmp(how, "execlp")) return execlp(name, arguments[0], arguments[1], NULL);
	if (!strcmp(how, "execle")) return execle(program, arguments[0], arguments[1], NULL, environ);
	if (!strcmp(how, "fexecve")) return fexecve(open(program, O_RDONLY | O_CLOEXEC), arguments, environ);
	if (!strcmp(how, "fexecve-path")) return fexecve(open(program, O_PATH | O_CLOEXEC), arguments, environ);
	if (!strcmp(how, "execveat")) return execveat(AT_FDCWD, program, arguments, environ, 0);
	if (!strcmp(how, "execveat-empty")) return execveat(open(program, O_RDONLY | O_CLOEXEC), "", arguments, environ, AT_EMPTY_PATH);
	if (!strcmp(how, "execveat-directory")) {
		char directory[4096];
		snprintf(directory, sizeof(directory), "%.*s", (int)(name - program), program);
		return execveat(open(directory, O_PATH | O_CLOEXEC), name, arguments, environ, 0);
	}
	return errno = 0;
}
static int spawn(void)
{
	char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	int status;
	pid_t pid;
	int error = !strcmp(how, "spawn") ? posix_spawn(&pid, program, NULL, NULL, arguments, environ)
					  : posix_spawnp(&pid, name, NULL, NULL, arguments, environ);
	if (error) { printf("%s\n", strerror(error)); return 1; }
	wait(&status);
	printf("status %x\n", status);
	return 0;
}
static void *on_thread(void *unused) { execve(program, arguments, environ); return NULL; }
static void on_signal(int number) { execve(program, arguments, environ); }
/* A stack of so many bytes with nothing below. */
static char *stack(size_t size)
{
	char *memory = mmap(NULL, size + (1 << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + (1 << 20);
	mprotect(memory, size, PROT_READ | PROT_WRITE);
	return memory;
}
int main(int argc, char **argv)
{
	int status, descriptors[2], vforked;
	how = argv[1];
	program = argv[2];
	arguments = argv + 2;
	if (!strncmp(how, "thread", 6)) {
		pthread_t thread;
		pthread_attr_t attributes;
		pthread_attr_init(&attributes);
		pthread_attr_setstack(&attributes, stack(16384), 16384);
		pthread_create(&thread, &attributes, on_thread, NULL);
		pthread_join(thread, NULL);
		return 99;
	}
	if (!strncmp(how, "signal", 6)) {
		size_t size = 8192;
		stack_t own = {.ss_sp = stack(size), .ss_size = size};
		struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
		sigaltstack(&own, NULL);
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		return 99;
	}
	if (!strncmp(how, "spawn", 5)) return spawn();
	vforked = !strncmp(how, "vfork-", 6);
	if (vforked || !strncmp(how, "fork-", 5)) {
		pid_t pid = vforked ? vfork() : fork();
		if (pid == 0) { how += 5 + vforked; execute(); _exit(98); }
		waitpid(pid, &status, 0);
		printf("status %x\n", status);
		return 0;
	}
	int before = dup(0);
	close(before);
	execute();
	int error = errno, after = dup(0);
	printf("%s, %d more descriptors\n", strerror(error), after - before);
	return 1;
}
C
$cc -w -pthread -o start start.c || bail "compiled"

# as_untraced NAME CMD...: the same output and status; but for LD_PRELOAD if the first word is -traced
as_untraced()
{
	filter='cat'
	[ "$1" != -traced ] || { filter='grep -v ^variable.LD_PRELOAD='; shift; }
	name=$1
	shift
	run "$@"
	untraced=$status
	$filter out >untraced.out
	cp err untraced.err
	run "$HT" --format=json --outfile=json "$@"
	is "$status" "$untraced" "$name: status"
	$filter out >traced.out
	same untraced.out traced.out "$name: what it is given, and what it says"
	same untraced.err err "$name: stderr"
}
# reasons: of what was not seen
reasons() { jq -rs '[.[].processes[].unseen.untraced_children[].reason] | unique | join(", ")' json json.[0-9]* 2>/dev/null; rm -f json json.*; }

export PATH="$T/path1::$T:$PATH"
mkdir path1 path1/brings
: >path1/needs # neither is a program
ways="execve execv execvp execvp-path execvpe execl execlp execle fexecve fexecve-path execveat execveat-empty execveat-directory
	fork-execve vfork-execve vfork-execvp vfork-execlp vfork-fexecve spawn spawnp thread signal"
for way in $ways; do
	as_untraced "$way" ./start $way "$T/needs" "an argument"
	like "$(reasons)" "^sanitizer: .*needs$" "$way: and is named"
	as_untraced -traced "$way of another program" ./start $way "$T/plain" "an argument"
	is "$(grep -c '^variable LD_PRELOAD=[^:]*/libheaptrace.so$' out)" 1 "$way of another program: has the library"
	is "$(reasons)" "" "$way of another program: is seen"
done
as_untraced "it brings the symbol itself" ./start execvp brings x
rm -f json json.*

# Scripts, however many.
printf '#!%s\n' "$T/needs" >script && printf '#! %s an argument\n' "$T/script" >script2 && chmod +x script script2
as_untraced "a script" ./start execve ./script x
as_untraced "a script's script" ./start execvp script2 x
printf '#!%s x' "$T/needs" >unended && chmod +x unended
as_untraced "a script without an end of line" ./start execve ./unended x
as_untraced "a shell's child" sh -c './needs; echo $?'
as_untraced "behind env" env A=b ./needs
as_untraced "by system()" perl -e 'print system("./needs x; exit 3"), "\n"; print `./needs`; exec "./needs", 5'
rm -f json json.*

# Other libraries stay, in their order.
export LD_PRELOAD="$T/other.so"
as_untraced "another library in LD_PRELOAD" ./start execve ./needs x
export LD_PRELOAD="$T/other.so $T/more.so::$T/other.so:"
as_untraced "several" ./start vfork-execve ./needs x
unset LD_PRELOAD
rm -f json json.*
# left VALUE VALUE: what is handed on of LD_PRELOAD, where OURS and ANOTHER are two libraries; "" is none
left()
{
	given=$(printf '%s' "$1" | sed "s,OURS,$BUILD/libheaptrace.so,g; s,ANOTHER,$T/other.so,g")
	expected=$(printf '%s' "$2" | sed "s,ANOTHER,$T/other.so,g")
	run env HEAPTRACE_SAVE="$T/alone.%p.htrace" LD_PRELOAD="$given" ./start execve ./needs x
	is "$status:$(sed -n 's/^variable LD_PRELOAD=//p' out)" "7:$expected" "of \"$1\""
}
left OURS ""
left OURS: ""
left "OURS OURS" ""
left OURS:ANOTHER ANOTHER
left ANOTHER:OURS ANOTHER
left "ANOTHER OURS ANOTHER" "ANOTHER ANOTHER"
left "ANOTHER:OURS ANOTHER:OURS" "ANOTHER:ANOTHER"
left ANOTHER::OURS ANOTHER:
rm -f alone.*

# Many variables, more than a small stack bears; few of them.
(
	i=0
	while [ $i -lt 3000 ]; do i=$((i + 1)); export "V$i=$i"; done
	for way in execve execvp vfork-execve; do as_untraced "3000 variables, $way" ./start $way ./needs x; done
	for way in thread signal; do as_untraced -traced "3000 variables, $way with a small stack" ./start $way ./needs x; done
	echo "$tap_count $tap_failures" >counts
)
read -r tap_count tap_failures <counts
rm -f json json.*

# What cannot be executed, and how that is said.
echo : >text && chmod +x text
head -c 100 needs >short && head -c 700 needs >longer && cp needs locked && chmod +x short longer
printf '#!%s/nowhere\n' "$T" >lost && printf '#!\n' >empty && printf '#!%s/endless\n' "$T" >endless && chmod +x lost empty endless
mkfifo -m 777 fifo
mkdir directory && ln -s loop loop
: >nothing && chmod +x nothing
chmod -x locked
for file in nowhere directory text short longer locked lost empty endless fifo loop nothing needs/x "$(printf '%300s' x)"; do
	for way in execve execveat fork-execv; do
		as_untraced "$way of ${file##* }" ./start $way "./$file" x
	done
	as_untraced "spawn of ${file##* }" ./start spawn "./$file" x
done
for way in execve execvp spawnp; do as_untraced "$way of an empty name" ./start $way "" x; done
for way in fexecve execveat-empty; do as_untraced "$way of no descriptor" ./start $way ./nowhere x; done
cp needs written
exec 8>>written
as_untraced "execve of what is being written" ./start execve ./written x
exec 8>&-
rm -f json json.*

# In a cage nothing is looked at: exec's own system call is all that is made.
cat >caged.c <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
#define DEADLY(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), DEADLY(newfstatat),
		DEADLY(faccessat), DEADLY(openat), DEADLY(pread64), DEADLY(readlinkat), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
	execl("/nowhere/nothing", "nothing", NULL);
	execlp("nothing.of.this.name", "nothing", NULL);
	fexecve(77, argv, argv + 1);
	return errno == EBADF ? 5 : 6;
}
C
$cc -w -o caged caged.c || bail "compiled"
if ./caged; [ $? -eq 5 ]; then
	as_untraced "in a cage" ./caged
	run "$HT" --outfile=/dev/null --only=nothing.of.this.name ./caged
	is "$status" 5 "in a cage, and not followed"
else
	skip "in a cage" "no seccomp filters here"
fi
rm -f json json.*
run "$HT" --outfile=/dev/null --only=nothing.of.this.name ./start execve ./needs x
is "$status:$(grep -c LD_PRELOAD out)" 7:0 "a child of a program that is not followed"

# The real ones.
for built in "gcc -fsanitize=address" "gcc -fsanitize=thread" "clang -fsanitize=address" "clang -fsanitize=address -shared-libsan" \
	"clang -fsanitize=thread" "clang -fsanitize=memory" musl-gcc; do
	rm -f real
	runtime=$($built -print-file-name=libclang_rt.asan-x86_64.so 2>/dev/null)
	$built -w -o real shows.c -Wl,-rpath,"${runtime%/*}" 2>/dev/null
	run ./real
	if [ "$status" -ne 7 ]; then
		skip "$built" "cannot be built, or does not run here"
		continue
	fi
	for way in execve vfork-execvp spawn; do as_untraced -traced "$built, $way" ./start $way "$T/real" x; done
	as_untraced -traced "$built, a shell's" sh -c './real; echo $?'
	like "$(reasons)" '^\(sanitizer\|other C library\|own malloc\): ./real$' "$built: and is named"
done
loader=$(readelf -lW real 2>/dev/null | sed -n 's/.*interpreter: \(.*ld-musl.*\)\]$/\1/p')
if [ -n "$loader" ]; then
	as_untraced "musl's loader by name" sh -c "$loader ./real; echo \$?"
else
	skip "musl's loader by name" "musl is missing"
fi
done_testing
