//! The identity of rings that lie in no file and have no past.

use vas_frame_protocol::RingIdentity;

/// The first ring of an epoch.
pub const FIRST: RingIdentity = RingIdentity {
    epoch: [1; 16],
    generation: 1,
    first_frame_id: 1,
    data_inode: 0,
    created_ns: 0,
    created_wall_ns: 0,
};
