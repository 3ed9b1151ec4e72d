//! `NativeSource`: the reading side. The frames are read by JavaScript, out of the memory that is mapped here.

use crate::error::{Result, error, guard, internal};
use crate::kept::{Key, keep_memory, keep_source, let_go, shared_source, with_source};
use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{ArrayBuffer, FromNapiValue, Object, ObjectFinalize, ObjectRef};
use napi_derive::napi;
use std::path::Path;
use std::sync::Arc;
use vas_frame_protocol::RingMemory;
use vas_frame_segment::{FrameSource, MapMode, Mapping, Owner, SourceOptions};

/// The ring of one camera, open for reading. Each worker opens its own: an external `ArrayBuffer` cannot be
/// passed on, only copied.
///
/// The files are open read-only and mapped privately: what JavaScript writes there reaches nobody, and does
/// not crash either.
#[napi(custom_finalize)]
pub struct NativeSource {
    source: Key,
    meta: ObjectRef<false>,
    data: ObjectRef<false>,
}

/// Whose frames a source shows.
#[napi(object, object_to_js = false)]
pub struct NativeSourceOptions {
    /// User id that the folder and both files must belong to; if it is missing, `Owner::Trusted` decides.
    pub owner: Option<u32>,
}

#[napi]
impl NativeSource {
    /// Opens a camera by its folder.
    #[napi(factory)]
    pub fn open(env: Env, path: String, options: NativeSourceOptions) -> Result<Self> {
        guard(|| {
            let options = SourceOptions {
                map_mode: MapMode::PrivateWritable,
                populate: false,
                owner: options.owner.map_or(Owner::Trusted, Owner::User),
            };
            let source = FrameSource::open_dir(Path::new(&path), options)
                .map_err(|cause| error(cause.code(), cause))?;
            let memory = Arc::clone(source.memory());
            let source = keep_source(source);
            let buffers =
                external(&env, &memory, memory.meta_ptr(), memory.meta_len()).and_then(
                    |meta| match external(&env, &memory, memory.data(), memory.data_len()) {
                        Ok(data) => Ok((meta, data)),
                        Err(error) => {
                            meta.unref(&env).map_err(internal)?;
                            Err(error)
                        }
                    },
                );
            let (meta, data) = buffers.inspect_err(|_| {
                let_go(source);
            })?;
            Ok(Self { source, meta, data })
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
        guard(|| Ok(with_source(self.source, FrameSource::is_current).unwrap_or(false)))
    }

    /// Whether a living process holds the writer's lock on these files.
    #[napi]
    pub fn writer_holds_lock(&self) -> Result<bool> {
        guard(|| Ok(with_source(self.source, FrameSource::writer_holds_lock).unwrap_or(false)))
    }

    /// Undoes what was stored into `data`, which hides what the writer writes there.
    #[napi]
    pub fn drop_stores(&self) -> Result<()> {
        guard(|| {
            with_source(self.source, |source| source.memory().drop_stores());
            Ok(())
        })
    }

    /// Closes the files and detaches both buffers, which have length 0 then. The memory is unmapped when the
    /// engine has let go of it. A second call does nothing.
    #[napi]
    pub fn close(&mut self, env: Env) -> Result<()> {
        guard(|| {
            if let_go(self.source) {
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

impl NativeSource {
    /// The ring, for a thread that waits for it; `None` when closed.
    pub(crate) fn shared(&self) -> Option<Arc<FrameSource>> {
        shared_source(self.source)
    }
}

impl ObjectFinalize for NativeSource {
    fn finalize(self, env: Env) -> napi::Result<()> {
        let_go(self.source);
        self.meta.unref(&env)?;
        self.data.unref(&env)
    }
}

/// A buffer over mapped memory, which stays mapped until the engine has finalized the buffer, or its thread ends.
fn external(env: &Env, memory: &Arc<Mapping>, start: *mut u8, len: usize) -> Result<ObjectRef<false>> {
    let key = keep_memory(Arc::clone(memory));
    // SAFETY: the mapping is private and writable, `len` bytes from `start`, and it is kept as long as the buffer
    // can be looked at: until its finalizer has run, or no JavaScript of this thread runs any more.
    let buffer = unsafe {
        ArrayBuffer::from_external(env, start, len, key, |_, key| {
            let_go(key);
        })
    };
    // What is kept for a buffer that was not made goes when the thread ends: whether its finalizer will run is
    // not known here.
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
