/* Hunts for torn frames: reads a camera whose frames say in each 64 bytes which frame they are, by copies and in place,
 * and prints what came of it as one line of JSON: hunt <camera folder> <seconds> [--without-validation] */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vas_frames.h>

#define BLOCK 64

struct look {
    int is_copied;
    uint8_t *copy;
    int was_called;
    int is_whole;
};

static int is_whole(const uint8_t *picture, size_t len, const VasFrame *frame)
{
    const uint32_t id = (uint32_t)frame->id;
    uint32_t found;
    size_t at;
    for (at = 0; at + sizeof found <= len; at += BLOCK) {
        memcpy(&found, picture + at, sizeof found);
        if (found != id)
            return 0;
    }
    return frame->has_source_timestamp && frame->source_timestamp_ns == frame->id;
}

static void judge(void *context, const VasPicture *picture)
{
    struct look *look = context;
    const uint8_t *bytes = picture->y;
    if (look->is_copied)
        bytes = memcpy(look->copy, picture->y, picture->len);
    look->was_called = 1;
    look->is_whole = is_whole(bytes, picture->len, &picture->frame);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const VasOptions options = {VAS_OWNER_ANYONE, 0};
    const int is_validated = argc == 3;
    uint64_t accepted = 0, lapped = 0, torn_accepted = 0, torn_refused = 0, turn;
    VasCamera *camera;
    VasGeometry geometry;
    struct look look = {0, NULL, 0, 0};
    double until;

    if (argc != 3 && !(argc == 4 && strcmp(argv[3], "--without-validation") == 0))
        return 2;
    if (vas_frames_open_path(argv[1], &options, &camera) != VAS_STATUS_OK)
        return 1;
    vas_frames_geometry(camera, &geometry);
    look.copy = malloc(geometry.frame_bytes);
    if (look.copy == NULL)
        return 1;
    until = now() + atof(argv[2]);
    for (turn = 0; now() < until; ++turn) {
        const uint64_t newest = vas_frames_newest_id(camera);
        VasFrame frame;
        VasStatus status;
        look.was_called = 0;
        look.is_whole = 1;
        look.is_copied = turn / 2 % 2 == 0;
        if (is_validated && turn % 3 == 0) {
            status = vas_frames_copy_newest(camera, 0, look.copy, geometry.frame_bytes, &frame);
            if (status == VAS_STATUS_OK)
                look.is_whole = is_whole(look.copy, geometry.frame_bytes, &frame);
        } else if (turn % 2 == 0) {
            status = vas_frames_look_at(camera, newest, judge, &look, NULL);
        } else {
            /* The oldest there can be, which is the next to be overwritten. */
            const uint64_t oldest = newest < geometry.slot_count ? 1 : newest + 1 - geometry.slot_count;
            status = vas_frames_look_at(camera, oldest, judge, &look, NULL);
        }
        if (status == VAS_STATUS_OK || (!is_validated && look.was_called)) {
            *(look.is_whole ? &accepted : &torn_accepted) += 1;
        } else if (status == VAS_STATUS_OVERWRITTEN) {
            lapped += 1;
            torn_refused += !look.is_whole;
        }
    }
    printf("{\"accepted\":%" PRIu64 ",\"lapped\":%" PRIu64 ",\"tornAccepted\":%" PRIu64 ",\"tornRefused\":%" PRIu64 "}\n",
           accepted, lapped, torn_accepted, torn_refused);
    free(look.copy);
    vas_frames_close(camera);
    return 0;
}
