/* A clock that runs faster, for a program that loads this before the system's library: a day passes in minutes.
 * FAST_CLOCK says how many times faster. What the program asks the system to wait for is divided by as much. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static long (*direct)(long, ...);
static long long times = 1, steady_base, wall_base;

static long long nanos(const struct timespec *span) { return span->tv_sec * SECOND + span->tv_nsec; }

static struct timespec span_of(long long nanos) {
    if (nanos < 0) nanos = 0;
    return (struct timespec){.tv_sec = nanos / SECOND, .tv_nsec = nanos % SECOND};
}

static long long real(clockid_t clock) {
    struct timespec now;
    direct(SYS_clock_gettime, clock, &now);
    return nanos(&now);
}

__attribute__((constructor)) static void start(void) {
    direct = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    const char *said = getenv("FAST_CLOCK");
    times = said ? atoll(said) : 1;
    if (times < 1) times = 1;
    steady_base = real(CLOCK_MONOTONIC);
    wall_base = real(CLOCK_REALTIME);
}

/* A moment of the fast steady clock on the system's. */
static long long slow(long long fast) { return steady_base + (fast - steady_base) / times; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!direct) start();
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME)
        return direct(SYS_clock_gettime, clock, now);
    long long passed = (real(CLOCK_MONOTONIC) - steady_base) * times;
    *now = span_of((clock == CLOCK_REALTIME ? wall_base : steady_base) + passed);
    return 0;
}

int timerfd_settime(int file, int flags, const struct itimerspec *value, struct itimerspec *old) {
    struct itimerspec scaled = *value;
    long long at = nanos(&value->it_value);
    scaled.it_interval = span_of(nanos(&value->it_interval) / times);
    if (at) scaled.it_value = span_of(flags & TFD_TIMER_ABSTIME ? slow(at) : at / times + 1);
    return direct(SYS_timerfd_settime, file, flags, &scaled, old);
}

int epoll_wait(int file, struct epoll_event *events, int most, int milliseconds) {
    struct timespec wait = span_of(milliseconds * (SECOND / 1000) / times);
    return direct(SYS_epoll_pwait2, file, events, most, milliseconds < 0 ? NULL : &wait, NULL, 8);
}

int nanosleep(const struct timespec *span, struct timespec *left) {
    struct timespec wait = span_of(nanos(span) / times);
    return direct(SYS_nanosleep, &wait, left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec wait = span_of(flags & TIMER_ABSTIME ? slow(nanos(until)) : nanos(until) / times);
    return direct(SYS_clock_nanosleep, clock, flags, &wait, left) < 0;
}

/* Threads wait for each other with futexes; other calls go through as they are. */
long syscall(long number, ...) {
    long a[6];
    va_list given;
    va_start(given, number);
    for (int index = 0; index < 6; index++) a[index] = va_arg(given, long);
    va_end(given);
    if (!direct) start();
    const struct timespec *span = (const struct timespec *)a[3];
    struct timespec wait;
    int operation = a[1] & FUTEX_CMD_MASK;
    if (number == SYS_futex && span && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET)) {
        wait = span_of(operation == FUTEX_WAIT ? nanos(span) / times : slow(nanos(span)));
        a[3] = (long)&wait;
    }
    return direct(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
