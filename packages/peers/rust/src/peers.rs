//! The peers by name, one file each.

#[cfg(feature = "gstreamer")]
mod gstreamer_shm;
#[cfg(feature = "iceoryx2")]
mod iceoryx2;
mod memcpy;
mod ours;
#[cfg(feature = "redis")]
mod redis;
mod rename;
mod unix_socket;
#[cfg(feature = "zeromq")]
mod zeromq;

use std::path::Path;

use crate::adapter::{Failure, Publisher, Reader};

type Made<T> = Result<Box<T>, Failure>;

pub fn publisher(peer: &str, folder: &Path) -> Made<dyn Publisher> {
    Ok(match peer {
        "memcpy" => Box::new(memcpy::Floor::new(folder)?),
        "ours" => Box::new(ours::Camera::new(folder)?),
        "rename" => Box::new(rename::Writer::new(folder)),
        "unix-socket" => Box::new(unix_socket::Server::new(folder)?),
        #[cfg(feature = "gstreamer")]
        "gstreamer" => Box::new(gstreamer_shm::Sink::new(folder)?),
        #[cfg(feature = "iceoryx2")]
        "iceoryx2" => Box::new(iceoryx2::Service::publisher(folder)?),
        #[cfg(feature = "redis")]
        "redis" => Box::new(redis::Setter::new(folder)?),
        #[cfg(feature = "zeromq")]
        "zeromq" => Box::new(zeromq::Pub::new(folder)?),
        _ => return Err(format!("{peer} is not built in").into()),
    })
}

pub fn reader(peer: &str, folder: &Path) -> Made<dyn Reader> {
    Ok(match peer {
        "ours" => Box::new(ours::Follower::new(folder)?),
        "rename" => Box::new(rename::Watcher::new(folder)?),
        "unix-socket" => Box::new(unix_socket::Client::new(folder)?),
        #[cfg(feature = "gstreamer")]
        "gstreamer" => Box::new(gstreamer_shm::Source::new(folder)?),
        #[cfg(feature = "iceoryx2")]
        "iceoryx2" => Box::new(iceoryx2::Service::subscriber(folder)?),
        #[cfg(feature = "redis")]
        "redis" => Box::new(redis::Getter::new(folder)?),
        #[cfg(feature = "zeromq")]
        "zeromq" => Box::new(zeromq::Sub::new(folder)?),
        _ => return Err(format!("{peer} is not built in").into()),
    })
}
