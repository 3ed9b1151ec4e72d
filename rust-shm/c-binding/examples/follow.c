/* Follows a camera and prints a line for each frame that it gets: follow <camera folder> <number of frames> */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <vas_frames.h>

#define SECOND 1000000000ULL

static int fail(VasStatus status)
{
    char message[512];
    vas_frames_last_message(message, sizeof message);
    fprintf(stderr, "%s: %s\n", vas_frames_status_code(status), message);
    return 1;
}

int main(int argc, char **argv)
{
    VasCamera *camera;
    VasGeometry geometry;
    VasStatus status;
    uint8_t *picture;
    int frames;

    if (argc != 3 || vas_frames_abi_version() != VAS_FRAMES_ABI_VERSION) {
        fprintf(stderr, "usage: %s <camera folder> <number of frames>\n", argv[0]);
        return 2;
    }
    status = vas_frames_open_path(argv[1], NULL, &camera);
    if (status != VAS_STATUS_OK)
        return fail(status);
    vas_frames_geometry(camera, &geometry);
    picture = malloc(geometry.frame_bytes);

    for (frames = atoi(argv[2]); picture != NULL && frames > 0;) {
        VasFrame frame;
        status = vas_frames_copy_next(camera, 10 * SECOND, picture, geometry.frame_bytes, &frame);
        if (status == VAS_STATUS_OK) {
            printf("%" PRIu64 " missed %" PRIu64 " luma %u\n", frame.id, frame.missed, picture[4]);
            frames -= 1;
        } else if (status == VAS_STATUS_DESTINATION_TOO_SMALL) {
            /* The camera goes on with larger frames. */
            vas_frames_geometry(camera, &geometry);
            free(picture);
            picture = malloc(geometry.frame_bytes);
        } else if (status != VAS_STATUS_INTERRUPTED) {
            break;
        }
    }
    free(picture);
    vas_frames_close(camera);
    return frames == 0 ? 0 : fail(status);
}
