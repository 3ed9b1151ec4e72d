//! Redis over its Unix socket, without persistence: the newest frame is the value of a key, and its id is published to a
//! channel, which readers wait for.

use std::path::Path;
use std::time::Duration;

use redis::{Client, Connection, PubSub};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{HEAD_BYTES, Picture, head};

fn connect(folder: &Path) -> Result<Connection, Failure> {
    let client = Client::open(format!("redis+unix://{}/redis.sock", folder.display()))?;
    Ok(client.get_connection()?)
}

pub struct Setter(Connection);

impl Setter {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(connect(folder)?))
    }
}

impl Publisher for Setter {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg("frame").arg(picture.bytes).ignore();
        pipeline.cmd("PUBLISH").arg("frames").arg(picture.id).ignore();
        Ok(pipeline.exec(&mut self.0)?)
    }
}

pub struct Getter {
    channel: PubSub<'static>,
    values: Connection,
    copy: Vec<u8>,
    last: u64,
}

impl Getter {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        // One per process: it is read until the process ends.
        let mut channel = Box::leak(Box::new(connect(folder)?)).as_pubsub();
        channel.subscribe("frames")?;
        Ok(Self {
            channel,
            values: connect(folder)?,
            copy: Vec::new(),
            last: 0,
        })
    }
}

impl Reader for Getter {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        self.channel.set_read_timeout(Some(timeout))?;
        let id: u64 = match self.channel.get_message() {
            Ok(message) => message.get_payload()?,
            Err(error) if error.is_timeout() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // A slow reader has messages left of frames before the one that it has seen.
        if id <= self.last {
            return Ok(false);
        }
        self.copy = redis::cmd("GET").arg("frame").query(&mut self.values)?;
        if self.copy.len() < HEAD_BYTES {
            return Err("the value is gone".into());
        }
        self.last = head(&self.copy).0;
        Ok(true)
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }
}
