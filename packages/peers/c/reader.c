/* This project, from C: `reader read FOLDER REPORT [--check] [--hold-ms N]`, the reading part of `rust/src/read.rs`.
 * Waits in the kernel and copies the newest frame. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vas_frames.h>

#define FRAME_BYTES (1920 * 1080 * 3 / 2)
#define WORDS (FRAME_BYTES / 8)
#define HEAD_WORDS 2
#define KINDS 8
#define TIMEOUT_NS 100000000ULL
#define MOST_FRAMES 1000000

static volatile sig_atomic_t is_over;

static void end(int number)
{
    (void)number;
    is_over = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Whether everything but the head is of this frame: the rule of rust/src/picture.rs. */
static int is_whole(const uint64_t *words, uint64_t id)
{
    for (uint64_t word = HEAD_WORDS; word < WORDS; word++)
        if (words[word] != ((id % KINDS) << 32 | word))
            return 0;
    return 1;
}

static FILE *beside(const char *report, const char *extension)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s%s", (int)(strrchr(report, '.') - report), report, extension);
    return fopen(path, "w");
}

int main(int argc, char **argv)
{
    const char *report = argc > 3 ? argv[3] : NULL;
    int is_checked = 0;
    long hold_ms = 0;
    char path[4096];
    uint64_t first = 0, last = 0, refused = 0;
    size_t frames = 0, repeated = 0, torn = 0;
    VasCamera *camera;
    FILE *file;

    if (report == NULL || strrchr(report, '.') == NULL)
        return 2;
    for (int at = 4; at < argc; at++) {
        if (strcmp(argv[at], "--check") == 0)
            is_checked = 1;
        else if (strcmp(argv[at], "--hold-ms") == 0 && at + 1 < argc)
            hold_ms = atol(argv[at + 1]);
    }
    const struct sigaction ending = {.sa_handler = end};
    sigaction(SIGTERM, &ending, NULL);

    uint64_t *words = malloc(FRAME_BYTES);
    double *latency_us = malloc(MOST_FRAMES * sizeof *latency_us);
    snprintf(path, sizeof path, "%s/camera", argv[2]);
    if (words == NULL || latency_us == NULL || vas_frames_open_path(path, NULL, &camera) != VAS_STATUS_OK)
        return 1;
    if ((file = beside(report, ".ready")) == NULL || fclose(file) != 0)
        return 1;
    while (!is_over && frames < MOST_FRAMES) {
        VasFrame frame;
        const VasStatus status =
            vas_frames_copy_newest(camera, TIMEOUT_NS, (uint8_t *)words, FRAME_BYTES, &frame);
        if (status != VAS_STATUS_OK) {
            refused += status == VAS_STATUS_OVERWRITTEN;
            continue;
        }
        latency_us[frames++] = (double)(now_ns() - words[1]) / 1000;
        if (is_checked && !is_whole(words, words[0]))
            torn++;
        else if (words[0] <= last)
            repeated++;
        first = first != 0 ? first : words[0];
        last = words[0];
        const struct timespec hold = {hold_ms / 1000, hold_ms % 1000 * 1000000};
        nanosleep(&hold, NULL);
    }
    if ((file = beside(report, ".draft")) == NULL)
        return 1;
    fprintf(file, "{\"latency_us\":[");
    for (size_t at = 0; at < frames; at++)
        fprintf(file, at == 0 ? "%.3f" : ",%.3f", latency_us[at]);
    fprintf(file, "],\"first_id\":%" PRIu64 ",\"last_id\":%" PRIu64, first, last);
    fprintf(file, ",\"repeated\":%zu,\"torn\":%zu,\"refused\":%" PRIu64 ",\"error\":null}", repeated, torn, refused);
    fclose(file);
    snprintf(path, sizeof path, "%.*s.draft", (int)(strrchr(report, '.') - report), report);
    vas_frames_close(camera);
    return rename(path, report) == 0 ? 0 : 1;
}
