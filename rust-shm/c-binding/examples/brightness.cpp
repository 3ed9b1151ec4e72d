// Prints how bright the frames of a camera are, looking at them in place: brightness <camera folder> <number of frames>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <vas_frames.h>

namespace {

// What a program in C++ wraps around the interface.
class Camera {
public:
    explicit Camera(const std::string &folder)
    {
        VasCamera *opened = nullptr;
        check(vas_frames_open_path(folder.c_str(), nullptr, &opened));
        camera_.reset(opened);
    }

    // Calls `look` with the newest frame in place; `false` if there was none in time, or the writer was faster.
    template <typename Look> bool look(uint64_t timeout_ns, Look look)
    {
        const VasStatus status =
            vas_frames_look_newest(camera_.get(), timeout_ns, &call<Look>, &look, nullptr);
        if (status >= VAS_STATUS_BAD_OPTION)
            check(status);
        return status == VAS_STATUS_OK;
    }

private:
    struct Close {
        void operator()(VasCamera *camera) const noexcept { vas_frames_close(camera); }
    };

    template <typename Look> static void call(void *context, const VasPicture *picture)
    {
        static_assert(noexcept((*static_cast<Look *>(context))(*picture)), "no exception may leave a look");
        (*static_cast<Look *>(context))(*picture);
    }

    static void check(VasStatus status)
    {
        if (status == VAS_STATUS_OK)
            return;
        char message[512];
        vas_frames_last_message(message, sizeof message);
        throw std::runtime_error(std::string(vas_frames_status_code(status)) + ": " + message);
    }

    std::unique_ptr<VasCamera, Close> camera_;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3 || vas_frames_abi_version() != VAS_FRAMES_ABI_VERSION) {
        std::cerr << "usage: " << argv[0] << " <camera folder> <number of frames>\n";
        return 2;
    }
    try {
        Camera camera(argv[1]);
        for (int frames = std::atoi(argv[2]); frames > 0;) {
            uint64_t sum = 0, count = 0, id = 0;
            const bool was_seen = camera.look(1'000'000'000, [&](const VasPicture &picture) noexcept {
                sum = count = 0;
                id = picture.frame.id;
                for (uint32_t row = 0; row < picture.frame.height; row += 8)
                    for (uint32_t column = 4; column < picture.frame.width; column += 8, ++count)
                        sum += picture.y[row * size_t{picture.frame.stride} + column];
            });
            if (!was_seen)
                continue;
            std::cout << id << " brightness " << sum / count << '\n';
            --frames;
        }
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
