//! iceoryx2: publish-subscribe with safe overflow, so that the newest frames win, and an event that wakes readers.

use std::path::Path;
use std::time::Duration;

use iceoryx2::node::Node;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher as Port;
use iceoryx2::port::subscriber::Subscriber as SubscriberPort;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{event, publish_subscribe};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{FRAME_BYTES, Picture};

/// Readers, and the one who publishes.
const MOST: usize = 32;

pub struct Service {
    _node: Node<ipc::Service>,
    frames: publish_subscribe::PortFactory<ipc::Service, [u8], ()>,
    events: event::PortFactory<ipc::Service>,
}

impl Service {
    fn open(folder: &Path) -> Result<Self, Failure> {
        // The folder's name keeps runs apart; everything else is as iceoryx2 has it.
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("no name")?;
        set_log_level(LogLevel::Error);
        let mut config = Config::global_config().clone();
        config.global.prefix = format!("{name}_").as_str().try_into()?;
        let node = NodeBuilder::new()
            .config(&config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let service = node.service_builder(&"frames".try_into()?);
        let frames = service
            .publish_subscribe::<[u8]>()
            .max_publishers(1)
            .max_subscribers(MOST)
            .max_nodes(MOST)
            .enable_safe_overflow(true)
            .subscriber_max_buffer_size(2)
            .open_or_create()?;
        let events = node
            .service_builder(&"frames".try_into()?)
            .event()
            .max_listeners(MOST)
            .max_nodes(MOST)
            .open_or_create()?;
        Ok(Self {
            _node: node,
            frames,
            events,
        })
    }

    pub fn publisher(folder: &Path) -> Result<Talker, Failure> {
        let service = Self::open(folder)?;
        Ok(Talker {
            port: service
                .frames
                .publisher_builder()
                .initial_max_slice_len(FRAME_BYTES)
                .create()?,
            notifier: service.events.notifier_builder().create()?,
            _service: service,
        })
    }

    pub fn subscriber(folder: &Path) -> Result<Ear, Failure> {
        let service = Self::open(folder)?;
        Ok(Ear {
            port: service.frames.subscriber_builder().create()?,
            listener: service.events.listener_builder().create()?,
            copy: vec![0; FRAME_BYTES],
            _service: service,
        })
    }
}

pub struct Talker {
    port: Port<ipc::Service, [u8], ()>,
    notifier: Notifier<ipc::Service>,
    _service: Service,
}

impl Publisher for Talker {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        let sample = self.port.loan_slice_uninit(FRAME_BYTES)?;
        sample.write_from_slice(picture.bytes).send()?;
        self.notifier.notify()?;
        Ok(())
    }
}

pub struct Ear {
    port: SubscriberPort<ipc::Service, [u8], ()>,
    listener: Listener<ipc::Service>,
    copy: Vec<u8>,
    _service: Service,
}

impl Reader for Ear {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        if !self.port.has_samples()? {
            self.listener.timed_wait(|_| {}, timeout)?;
        }
        // The newest of those that wait in the buffer.
        let mut newest = None;
        while let Some(sample) = self.port.receive()? {
            newest = Some(sample);
        }
        match newest {
            Some(sample) => {
                self.copy.copy_from_slice(sample.payload());
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }
}
