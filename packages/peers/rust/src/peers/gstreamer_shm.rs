//! GStreamer: `appsrc ! shmsink` and `shmsrc ! appsink`. The picture is handed over without a copy, in memory of its own;
//! `shmsink` copies it into shared memory, and readers map that.

use std::path::Path;
use std::time::Duration;

use gstreamer::glib::object::Cast;
use gstreamer::prelude::{ElementExt, GstBinExt};
use gstreamer::{Buffer, ClockTime, Element, Memory, Pipeline, State};
use gstreamer_app::{AppSink, AppSrc};

use crate::adapter::{Failure, Publisher, Reader};
use crate::picture::{FRAME_BYTES, HEAD_BYTES, Picture, Pictures};

/// As much as this project's ring has.
const SLOTS: usize = 4;
const KINDS: u64 = 8;

fn start<T>(description: &str, name: &str) -> Result<(Pipeline, T), Failure>
where
    T: gstreamer::glib::object::IsA<Element>,
{
    gstreamer::init()?;
    let launched = gstreamer::parse::launch(description)?;
    let pipeline = launched.downcast::<Pipeline>().map_err(|_| "no pipeline")?;
    let element = pipeline.by_name(name).ok_or("no element")?;
    let element = element.downcast::<T>().map_err(|_| "another element")?;
    pipeline.set_state(State::Playing)?;
    Ok((pipeline, element))
}

/// What a pipeline has said is wrong, if anything.
fn error_of(pipeline: &Pipeline) -> Result<(), Failure> {
    let bus = pipeline.bus().ok_or("no bus")?;
    match bus.pop_filtered(&[gstreamer::MessageType::Error, gstreamer::MessageType::Eos]) {
        Some(message) => Err(format!("{:?}", message.view()).into()),
        None => Ok(()),
    }
}

pub struct Sink {
    pipeline: Pipeline,
    source: AppSrc,
    bodies: Vec<&'static [u8]>,
}

impl Sink {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let description = format!(
            "appsrc name=source is-live=true format=time do-timestamp=true block=true max-buffers=1 \
             ! shmsink socket-path={}/socket shm-size={} wait-for-connection=false sync=false",
            folder.display(),
            SLOTS * (FRAME_BYTES + 4096),
        );
        let (pipeline, source) = start(&description, "source")?;
        // GStreamer may hold on to a picture, so nothing may be stamped into it.
        let pictures: &'static Pictures = Box::leak(Box::new(Pictures::new()));
        Ok(Self {
            pipeline,
            source,
            bodies: (0..KINDS).map(|kind| pictures.body(kind)).collect(),
        })
    }
}

impl Publisher for Sink {
    fn publish(&mut self, picture: &Picture) -> Result<(), Failure> {
        error_of(&self.pipeline)?;
        let head: [u8; HEAD_BYTES] = picture.bytes[..HEAD_BYTES].try_into()?;
        let mut buffer = Buffer::new();
        let memories = buffer.get_mut().ok_or("shared")?;
        memories.append_memory(Memory::from_slice(head));
        memories.append_memory(Memory::from_slice(
            self.bodies[usize::try_from(picture.id % KINDS)?],
        ));
        self.source.push_buffer(buffer)?;
        Ok(())
    }
}

pub struct Source {
    pipeline: Pipeline,
    sink: AppSink,
    copy: Vec<u8>,
}

impl Source {
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let description = format!(
            "shmsrc socket-path={}/socket is-live=true ! appsink name=sink sync=false max-buffers=1 drop=true",
            folder.display()
        );
        let (pipeline, sink) = start(&description, "sink")?;
        Ok(Self {
            pipeline,
            sink,
            copy: vec![0; FRAME_BYTES],
        })
    }
}

impl Reader for Source {
    fn next(&mut self, timeout: Duration) -> Result<bool, Failure> {
        let timeout = ClockTime::from_nseconds(u64::try_from(timeout.as_nanos())?);
        let Some(sample) = self.sink.try_pull_sample(timeout) else {
            error_of(&self.pipeline)?;
            return Ok(false);
        };
        let buffer = sample.buffer().ok_or("no buffer")?;
        self.copy.copy_from_slice(&buffer.map_readable()?);
        Ok(true)
    }

    fn picture(&self) -> &[u8] {
        &self.copy
    }
}
