// The libsrtp 3 call shapes that the worker uses, on top of libsrtp 2: separate input and output buffers and
// size_t lengths. Nothing else of libsrtp 3 is here.
#ifndef SRTP_3_ON_SRTP_2_H
#define SRTP_3_ON_SRTP_2_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <srtp2/srtp.h>

// Status values that libsrtp 2 does not know; their numbers lie outside its range.
static constexpr auto srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(1000);
static constexpr auto srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(1001);

namespace srtp3_on_srtp2
{
	// libsrtp 2 works in place: the packet is copied to the output buffer first. `growth` is how much longer
	// the operation may make it.
	template<typename Operation>
	inline srtp_err_status_t InPlace(
	  Operation operation, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t growth)
	{
		if (inLen + growth > *outLen)
		{
			return srtp_err_status_buffer_small;
		}

		if (in != out)
		{
			std::memmove(out, in, inLen);
		}

		int len                        = static_cast<int>(inLen);
		const srtp_err_status_t status = operation(out, &len);

		*outLen = static_cast<size_t>(len);

		return status;
	}
} // namespace srtp3_on_srtp2

inline srtp_err_status_t srtp_protect(
  srtp_t ctx, const uint8_t* rtp, size_t rtpLen, uint8_t* srtp, size_t* srtpLen, size_t /*mkiIndex*/)
{
	return srtp3_on_srtp2::InPlace(
	  [ctx](void* packet, int* len) { return srtp_protect(ctx, packet, len); },
	  rtp, rtpLen, srtp, srtpLen, SRTP_MAX_TRAILER_LEN);
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t ctx, const uint8_t* srtp, size_t srtpLen, uint8_t* rtp, size_t* rtpLen)
{
	return srtp3_on_srtp2::InPlace(
	  [ctx](void* packet, int* len) { return srtp_unprotect(ctx, packet, len); },
	  srtp, srtpLen, rtp, rtpLen, 0);
}

inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t ctx, const uint8_t* rtcp, size_t rtcpLen, uint8_t* srtcp, size_t* srtcpLen, size_t /*mkiIndex*/)
{
	return srtp3_on_srtp2::InPlace(
	  [ctx](void* packet, int* len) { return srtp_protect_rtcp(ctx, packet, len); },
	  rtcp, rtcpLen, srtcp, srtcpLen, SRTP_MAX_TRAILER_LEN + sizeof(uint32_t));
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t ctx, const uint8_t* srtcp, size_t srtcpLen, uint8_t* rtcp, size_t* rtcpLen)
{
	return srtp3_on_srtp2::InPlace(
	  [ctx](void* packet, int* len) { return srtp_unprotect_rtcp(ctx, packet, len); },
	  srtcp, srtcpLen, rtcp, rtcpLen, 0);
}

inline srtp_err_status_t srtp_stream_remove(srtp_t ctx, uint32_t ssrcInNetworkOrder)
{
	return srtp_remove_stream(ctx, ssrcInNetworkOrder);
}

#endif
