//! `NativeSource`: the reading side. The frames are read by JavaScript, out of the memory that is mapped here.

use crate::error::{Result, error, guard, internal};
use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{ArrayBuffer, FromNapiValue, Object, ObjectFinalize, ObjectRef};
use napi_derive::napi;
use std::path::Path;
use std::sync::Arc;
use vas_frame_protocol::RingMemory;
use vas_frame_segment::{FrameSource, MapMode, Mapping, SourceOptions};

/// The ring of one camera, open for reading. Each worker opens its own: an external `ArrayBuffer` cannot be
/// passed on, only copied.
///
/// The files are open read-only and mapped privately: what JavaScript writes there reaches nobody, and does
/// not crash either.
#[napi(custom_finalize)]
pub struct NativeSource {
    /// `None` when closed.
    source: Option<FrameSource>,
    meta: ObjectRef<false>,
    data: ObjectRef<false>,
}

#[napi]
impl NativeSource {
    /// Opens a camera by its folder.
    #[napi(factory)]
    pub fn open(env: Env, path: String) -> Result<Self> {
        guard(|| {
            let options = SourceOptions {
                map_mode: MapMode::PrivateWritable,
                populate: false,
            };
            let source = FrameSource::open_dir(Path::new(&path), options)
                .map_err(|cause| error(cause.code(), cause))?;
            let memory = source.memory();
            let meta = external(&env, memory, memory.meta_ptr(), memory.meta_len())?;
            let data = external(&env, memory, memory.data(), memory.data_len())?;
            Ok(Self {
                source: Some(source),
                meta,
                data,
            })
        })
    }

    /// The bytes of `frame.meta`.
    #[napi(getter, ts_return_type = "ArrayBuffer")]
    pub fn meta<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        guard(|| self.meta.get_value(env).map_err(internal))
    }

    /// The bytes of `frame.data`.
    #[napi(getter, ts_return_type = "ArrayBuffer")]
    pub fn data<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        guard(|| self.data.get_value(env).map_err(internal))
    }

    /// Whether the path still leads to these files.
    #[napi]
    pub fn is_current(&self) -> Result<bool> {
        guard(|| Ok(self.source.as_ref().is_some_and(FrameSource::is_current)))
    }

    /// Whether a living process holds the writer's lock on these files.
    #[napi]
    pub fn writer_holds_lock(&self) -> Result<bool> {
        guard(|| Ok(self.source.as_ref().is_some_and(FrameSource::writer_holds_lock)))
    }

    /// Closes the files and detaches both buffers, which have length 0 then. The memory is unmapped when the
    /// engine has let go of it. A second call does nothing.
    #[napi]
    pub fn close(&mut self, env: Env) -> Result<()> {
        guard(|| {
            if self.source.take().is_some() {
                for buffer in [&self.meta, &self.data] {
                    let buffer = buffer.get_value(&env).map_err(internal)?;
                    // SAFETY: the reference was made of an `ArrayBuffer` of this environment.
                    let buffer = unsafe { ArrayBuffer::from_napi_value(env.raw(), buffer.raw()) };
                    buffer.and_then(ArrayBuffer::detach).map_err(internal)?;
                }
            }
            Ok(())
        })
    }
}

impl ObjectFinalize for NativeSource {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.meta.unref(&env)?;
        self.data.unref(&env)
    }
}

/// A buffer over mapped memory, which stays mapped until the engine has finalized the buffer.
fn external(env: &Env, memory: &Arc<Mapping>, start: *mut u8, len: usize) -> Result<ObjectRef<false>> {
    // SAFETY: the mapping is private and writable, `len` bytes from `start`, and the finalizer's `Arc` keeps
    // it there as long as the buffer can be looked at.
    let buffer =
        unsafe { ArrayBuffer::from_external(env, start, len, Arc::clone(memory), |_, memory| drop(memory)) };
    let buffer = buffer.map_err(internal)?;
    if buffer.as_ptr() != start {
        return Err(error(
            "UNSUPPORTED_PLATFORM",
            "this runtime copies external memory instead of showing it, as Electron does",
        ));
    }
    Object::from_raw(env.raw(), buffer.raw())
        .create_ref()
        .map_err(internal)
}
