/* Decoded frames of live cameras, read from shared memory. See README.md beside the sources.
 *
 * Generated from the sources by the tests of this library; do not edit. */

#ifndef VAS_FRAMES_H
#define VAS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface. A program that was compiled with another one must not go on.
 */
#define VAS_FRAMES_ABI_VERSION 1

/**
 * How many cameras one wait can be for.
 */
#define VAS_FRAMES_MOST_AWAITED 127

/**
 * How a call ended. 0 is success; below 100 are ordinary outcomes, from 100 on errors.
 */
enum VasStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It is done.
     */
    VAS_STATUS_OK = 0,
    /**
     * No new frame came in time.
     */
    VAS_STATUS_TIMED_OUT = 1,
    /**
     * A signal ended the wait; call again to go on waiting.
     */
    VAS_STATUS_INTERRUPTED = 2,
    /**
     * The frame was overwritten: it is gone, or what the callback saw was not one whole frame.
     */
    VAS_STATUS_OVERWRITTEN = 3,
    /**
     * The frame is not there yet, or there is none newer.
     */
    VAS_STATUS_NOTHING_NEWER = 4,
    /**
     * An argument is NULL or out of its range.
     */
    VAS_STATUS_BAD_OPTION = 100,
    /**
     * Not 1 to 64 characters of A-Z a-z 0-9 . _ -, or it begins with a dot.
     */
    VAS_STATUS_BAD_CAMERA_ID = 101,
    /**
     * There is no export at the path.
     */
    VAS_STATUS_SOURCE_NOT_FOUND = 102,
    /**
     * The files are no frame ring, or one of another layout.
     */
    VAS_STATUS_INCOMPATIBLE_LAYOUT = 103,
    /**
     * The operating system refused.
     */
    VAS_STATUS_PERMISSION_DENIED = 104,
    /**
     * The destination is smaller than the picture.
     */
    VAS_STATUS_DESTINATION_TOO_SMALL = 105,
    /**
     * The record of a frame contradicts its ring: the memory is damaged.
     */
    VAS_STATUS_DAMAGED = 106,
    /**
     * Another error of the operating system.
     */
    VAS_STATUS_IO = 107,
    /**
     * A defect in this library.
     */
    VAS_STATUS_INTERNAL = 108,
    /**
     * The export belongs to a user whose frames are not accepted.
     */
    VAS_STATUS_WRONG_OWNER = 109,
    /**
     * This process, or the system, has too many open files.
     */
    VAS_STATUS_NO_DESCRIPTORS = 110,
    /**
     * The file system has no room for what was asked.
     */
    VAS_STATUS_NO_SPACE = 111,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum VasStatus VasStatus;
#else
typedef int32_t VasStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How the writer of a camera is. None of them is the end: reading goes on when there are frames again.
 */
enum VasHealth
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Frames come.
     */
    VAS_HEALTH_LIVE = 1,
    /**
     * The writer's process is well, and no frame came for 2 s.
     */
    VAS_HEALTH_IDLE = 2,
    /**
     * The writer's process is there and has not run for 2 s.
     */
    VAS_HEALTH_HUNG = 3,
    /**
     * The writer's process is gone.
     */
    VAS_HEALTH_DEAD = 4,
    /**
     * The camera was closed.
     */
    VAS_HEALTH_ENDED = 5,
    /**
     * There is a newer ring at the path.
     */
    VAS_HEALTH_REPLACED = 6,
    /**
     * The files were cut short.
     */
    VAS_HEALTH_DAMAGED = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum VasHealth VasHealth;
#else
typedef int32_t VasHealth;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The owner whose frames are accepted; checked on the folder and the files that were opened.
 */
enum VasOwner
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Frames of this process's user, of root, and of anyone to whom an administrator gave the base folder.
     */
    VAS_OWNER_TRUSTED = 0,
    /**
     * Frames of the user `user`.
     */
    VAS_OWNER_USER = 1,
    /**
     * Frames of everybody.
     */
    VAS_OWNER_ANYONE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum VasOwner VasOwner;
#else
typedef int32_t VasOwner;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An open camera. It is followed through changes of size, restarts and crashes of its host. One thread may use it at
 * a time; each frame is taken at most once.
 */
typedef struct VasCamera VasCamera;

/**
 * How a camera is opened. All zero is what NULL means.
 */
typedef struct {
    /**
     * A `VasOwner`.
     */
    int32_t owner;
    /**
     * The id of the user, for VAS_OWNER_USER.
     */
    uint32_t user;
} VasOptions;

/**
 * A frame: everything but its picture.
 */
typedef struct {
    /**
     * From 1; within an epoch no id comes twice.
     */
    uint64_t id;
    /**
     * How many frames there were between the one taken before and this one. 0 for `..._at`.
     */
    uint64_t missed;
    /**
     * When it was complete, CLOCK_MONOTONIC.
     */
    uint64_t timestamp_ns;
    /**
     * When it was complete, CLOCK_REALTIME.
     */
    uint64_t wall_clock_ns;
    /**
     * The time stamp that its source gave it, if `has_source_timestamp`.
     */
    uint64_t source_timestamp_ns;
    /**
     * From 1; one more with each change of shape within an epoch.
     */
    uint64_t generation;
    /**
     * The start of the export that the frame belongs to: random bytes.
     */
    uint8_t epoch[16];
    /**
     * Pixels per row, even.
     */
    uint32_t width;
    /**
     * Rows of luma, even.
     */
    uint32_t height;
    /**
     * Bytes from one row to the next, in either plane.
     */
    uint32_t stride;
    /**
     * CRC-32 of the picture, if `has_checksum`.
     */
    uint32_t checksum;
    /**
     * 1 if the source gave the frame a time stamp.
     */
    uint8_t has_source_timestamp;
    /**
     * 1 in verify mode.
     */
    uint8_t has_checksum;
    /**
     * Zero.
     */
    uint8_t reserved[6];
} VasFrame;

/**
 * A picture in place, as the callback of a look sees it. Its bytes may change while they are looked at; whether they
 * were one frame is known when the look has returned.
 */
typedef struct {
    /**
     * Luma: `height` rows of `width` bytes, `stride` apart.
     */
    const uint8_t *y;
    /**
     * Chroma: `height / 2` rows of `width / 2` pairs Cb, Cr, `stride` apart.
     */
    const uint8_t *uv;
    /**
     * Bytes of the whole picture, from `y` on.
     */
    size_t len;
    /**
     * What is said of the frame.
     */
    VasFrame frame;
} VasPicture;

/**
 * Looks at a picture in place. It must not keep the pointers, jump out or throw, and should only compute: what it
 * sees may be garbage, which the look tells when it returns. One look may call it twice.
 */
typedef void (*VasLook)(void *context, const VasPicture *picture);

/**
 * How the writer of a camera is, with the ages that say so.
 */
typedef struct {
    /**
     * A `VasHealth`.
     */
    int32_t health;
    /**
     * 1 if there is a frame, so that `frame_age_ns` means something.
     */
    int32_t has_frame;
    /**
     * Since the writer's process last showed life.
     */
    uint64_t heartbeat_age_ns;
    /**
     * Since the newest frame was complete.
     */
    uint64_t frame_age_ns;
} VasHealthReport;

/**
 * What the numbers of a picture mean, in the codes of ITU-T H.273; 0 is "not said" in each field.
 */
typedef struct {
    /**
     * MatrixCoefficients: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020.
     */
    uint8_t matrix;
    /**
     * ColourPrimaries: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020.
     */
    uint8_t primaries;
    /**
     * TransferCharacteristics: 1 = BT.709, 6 = BT.601, 13 = sRGB.
     */
    uint8_t transfer;
    /**
     * 1 = limited: luma from 16 to 235, chroma from 16 to 240; 2 = full: from 0 to 255.
     */
    uint8_t range;
    /**
     * One more than Chroma420SampleLocType: 1 = left, 2 = center, 3 = top left, 4 = top, 5 = bottom left, 6 = bottom.
     */
    uint8_t chroma_siting;
    /**
     * Zero.
     */
    uint8_t reserved[3];
} VasColours;

/**
 * The shape of the frames that are read now.
 */
typedef struct {
    /**
     * Pixels per row.
     */
    uint32_t width;
    /**
     * Rows of luma.
     */
    uint32_t height;
    /**
     * Bytes from one row to the next, in either plane.
     */
    uint32_t stride;
    /**
     * How many frames shared memory holds.
     */
    uint32_t slot_count;
    /**
     * Bytes of a picture: what a destination must have room for.
     */
    size_t frame_bytes;
    /**
     * The start of the export: random bytes.
     */
    uint8_t epoch[16];
    /**
     * From 1; one more with each change of shape or colours within an epoch.
     */
    uint64_t generation;
    /**
     * What the numbers of the pictures mean.
     */
    VasColours colours;
} VasGeometry;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The stable code of a status as a text, such as "SOURCE_NOT_FOUND". The same in all languages; never NULL.
 */
const char *vas_frames_status_code(int32_t status);

/**
 * Copies the sentence that explains the last error of this thread into `into`, which has room for `len` bytes, and
 * ends it with a NUL. Returns the bytes that the whole sentence needs, with the NUL.
 */
size_t vas_frames_last_message(char *into,
                               size_t len);

/**
 * The version of the interface that this library has: compare it with VAS_FRAMES_ABI_VERSION.
 */
uint32_t vas_frames_abi_version(void);

/**
 * Opens a camera by its id. `base_dir` may be NULL for /dev/shm/vas, `options` for the usual ones. On success
 * `*camera` is what to close later, otherwise NULL.
 */
VasStatus vas_frames_open(const char *base_dir,
                          const char *camera_id,
                          const VasOptions *options,
                          VasCamera **camera);

/**
 * Opens a camera by its folder.
 */
VasStatus vas_frames_open_path(const char *folder, const VasOptions *options, VasCamera **camera);

/**
 * Closes a camera and frees it. NULL is allowed.
 */
void vas_frames_close(VasCamera *camera);

/**
 * Waits until there is a frame that was not taken yet, at most for `timeout_ns`: VAS_STATUS_OK, or
 * VAS_STATUS_TIMED_OUT or VAS_STATUS_INTERRUPTED.
 */
VasStatus vas_frames_wait(VasCamera *camera, uint64_t timeout_ns);

/**
 * Waits until one of `count` different cameras has a frame that was not taken yet; `*ready` is the place of the first
 * of them then. At most VAS_FRAMES_MOST_AWAITED.
 */
VasStatus vas_frames_wait_any(VasCamera *const *cameras,
                              size_t count,
                              uint64_t timeout_ns,
                              size_t *ready);

/**
 * Copies the newest frame, if it is newer than the last one taken, and waits for it for at most `timeout_ns` if it is
 * not; 0 does not wait. `into` has room for `len` bytes, of which the picture takes `frame_bytes` of
 * vas_frames_geometry; whatever stands there is void unless the result is VAS_STATUS_OK. `frame` may be NULL.
 */
VasStatus vas_frames_copy_newest(VasCamera *camera,
                                 uint64_t timeout_ns,
                                 uint8_t *into,
                                 size_t len,
                                 VasFrame *frame);

/**
 * As vas_frames_copy_newest, for the oldest frame after the last one taken that is still there.
 */
VasStatus vas_frames_copy_next(VasCamera *camera,
                               uint64_t timeout_ns,
                               uint8_t *into,
                               size_t len,
                               VasFrame *frame);

/**
 * Copies the frame of an id from the ring that is open. Does not wait, and does not change what comes next:
 * VAS_STATUS_OK, VAS_STATUS_OVERWRITTEN or VAS_STATUS_NOTHING_NEWER.
 */
VasStatus vas_frames_copy_at(VasCamera *camera, uint64_t id, uint8_t *into, size_t len, VasFrame *frame);

/**
 * Calls `look` with the newest frame in place, if it is newer than the last one taken, and waits for it for at most
 * `timeout_ns` if it is not. If the writer was faster, `look` is called a second time, with the frame that is the
 * newest then. VAS_STATUS_OK says that what `look` saw, the last time it was called, was that frame.
 * VAS_STATUS_OVERWRITTEN says that the writer was faster, twice: a look may take as long as `slot_count - 2` frames.
 * `context` is for `look`; `frame` may be NULL.
 */
VasStatus vas_frames_look_newest(VasCamera *camera,
                                 uint64_t timeout_ns,
                                 VasLook look,
                                 void *context,
                                 VasFrame *frame);

/**
 * As vas_frames_look_newest, for the frame of an id in the ring that is open. Does not wait, and does not change what
 * comes next.
 */
VasStatus vas_frames_look_at(VasCamera *camera,
                             uint64_t id,
                             VasLook look,
                             void *context,
                             VasFrame *frame);

/**
 * The id of the newest frame of the ring that is open; 0 = none yet, or `camera` is NULL.
 */
uint64_t vas_frames_newest_id(const VasCamera *camera);

/**
 * How the writer is now. Some system calls, none of which waits.
 */
VasStatus vas_frames_health(VasCamera *camera, VasHealthReport *report);

/**
 * The shape of the frames that are read now. It changes only within calls that wait, copy, look or ask for the
 * health.
 */
VasStatus vas_frames_geometry(const VasCamera *camera,
                              VasGeometry *geometry);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VAS_FRAMES_H */
