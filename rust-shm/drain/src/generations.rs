//! The generations of one export: the present one, and how the next takes its place, for a new geometry and when
//! somebody has removed or replaced the files. Shared by the host's [`Export`](crate::Export), its drains and the
//! keeper.

use crate::descriptors::{NoDescriptors, check_for_a_restore};
use crate::fail_point::fail_point;
use crate::heartbeat;
use crate::keeper::Kept;
use crate::opening::{ExportOptions, OpenError};
use crate::ring::Ring;
use crate::tally::Count;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};
use vas_frame_protocol::RingShape;
use vas_frame_segment::CameraId;
use vas_frame_segment::writer::{CameraLock, Reserve, Segment, SegmentOptions, drop_later, new_epoch};

/// How long the keeper waits after a failure before it tries again: this, then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Why the files of an export are not at its path, and are not put back, or have no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInPlace {
    /// A code of [`OpenError`].
    pub code: &'static str,
    /// What is in the way, and what to do.
    pub message: String,
}

impl NotInPlace {
    pub(crate) fn without_memory(camera: &CameraId) -> Self {
        let message = format!(
            "not enough shared memory for camera {camera}: what was free when it was opened, somebody else has taken; \
             it is asked for once a second"
        );
        Self {
            code: "NO_SPACE",
            message,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Generations {
    /// Held while a generation is made. `None` before the first and after the end.
    present: Mutex<Option<Present>>,
    /// The ring of the present generation, for drains that move over. Held for an instant only.
    current: Mutex<Weak<Ring>>,
    is_closed: AtomicBool,
    /// Whether it is the process that ends, and not the camera.
    is_left: AtomicBool,
    generation: Count,
    restored: Count,
    not_in_place: Mutex<Option<NotInPlace>>,
}

#[derive(Debug)]
struct Present {
    ring: Arc<Ring>,
    segment: Segment,
    lock: CameraLock,
    options: ExportOptions,
    epoch: [u8; 16],
    generation: u64,
    pause: Duration,
    not_before: Option<Instant>,
}

impl Generations {
    /// Makes the first generation, visible and with a heartbeat.
    pub(crate) fn open(options: ExportOptions) -> Result<(Arc<Self>, Arc<Ring>), OpenError> {
        let lock = CameraLock::acquire(&options.base_dir, &options.camera)?;
        let generations = Arc::new(Self {
            present: Mutex::new(None),
            current: Mutex::new(Weak::new()),
            is_closed: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
            generation: Count::default(),
            restored: Count::default(),
            not_in_place: Mutex::new(None),
        });
        // Before there is anything that could be without a heartbeat.
        heartbeat::watch(Arc::downgrade(&generations) as Weak<dyn Kept>).map_err(OpenError::Thread)?;
        let (epoch, generation) = (new_epoch()?, 1);
        let segment_options = segment_options(&options, epoch, generation, 1);
        let segment = Segment::prepare(&lock, &segment_options, Reserve::Later)?.place(1)?;
        let ring = Arc::new(Ring::new(segment.memory(), options.rings_bell)?);
        heartbeat::keep_alive(&ring);
        generations.set_current(&ring, generation);
        *lock_of(&generations.present) = Some(Present {
            ring: Arc::clone(&ring),
            segment,
            lock,
            options,
            epoch,
            generation,
            pause: FIRST_PAUSE,
            not_before: None,
        });
        Ok((generations, ring))
    }

    /// The ring that frames go to now; `None` once the export is closed, and for the instant in which another thread
    /// changes it. Waits for nobody.
    pub(crate) fn current(&self) -> Option<Arc<Ring>> {
        if self.is_closed() {
            return None;
        }
        try_lock(&self.current)?.upgrade()
    }

    /// Goes on in a ring of another shape. A restoring that is under way is waited for.
    pub(crate) fn reshape(&self, shape: RingShape) -> Result<Arc<Ring>, Option<OpenError>> {
        let mut present = lock_of(&self.present);
        let present = present.as_mut().ok_or(None)?;
        present.next(shape, Reserve::Later, self).map_err(Some)
    }

    /// Publishes nothing any more, tells the readers, removes the files. Waits for nothing: if the keeper is just
    /// making a generation, it finishes this.
    pub(crate) fn close(&self) {
        // ORDER close: sequentially consistent, with the lock of `present`: either this finds it free, or who holds it
        // finds the export closed afterwards.
        self.is_closed.store(true, Ordering::SeqCst);
        if let Some(ring) = try_lock(&self.current).and_then(|current| current.upgrade()) {
            ring.end();
        }
        self.finish();
    }

    /// Closes like [`close`](Self::close), for a process that ends: readers find the writer dead, and wait for its
    /// return.
    pub(crate) fn leave(&self) {
        // ORDER close: relaxed, before the store of `close` in the same thread.
        self.is_left.store(true, Ordering::Relaxed);
        self.close();
    }

    fn finish(&self) {
        let ended = try_lock(&self.present).and_then(|mut present| present.take());
        if let Some(mut present) = ended {
            present.ring.end();
            // ORDER close: relaxed, after a load of `is_closed`, or in the thread that stored it.
            if self.is_left.load(Ordering::Relaxed) {
                present.segment.leave();
            } else {
                present.segment.end();
            }
            // The files are gone, and so is the lock: only the memory is given back later.
            let Present { ring, segment, .. } = present;
            drop_later(ring.data_bytes(), (ring, segment));
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // ORDER close: sequentially consistent, see `close`.
        self.is_closed.load(Ordering::SeqCst)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// How often files that had gone were put back.
    pub(crate) fn restored(&self) -> u64 {
        self.restored.get()
    }

    pub(crate) fn not_in_place(&self) -> Option<NotInPlace> {
        lock_of(&self.not_in_place).clone()
    }

    fn set_current(&self, ring: &Arc<Ring>, generation: u64) {
        *lock_of(&self.current) = Arc::downgrade(ring);
        self.generation.set(generation);
    }
}

impl Kept for Generations {
    fn is_over(&self) -> bool {
        self.is_closed()
    }

    fn is_in_place(&self) -> bool {
        // Whoever holds it is about to change it.
        let Some(mut present) = try_lock(&self.present) else {
            return true;
        };
        let Some(present) = present.as_mut() else {
            return true;
        };
        let is_in_place = present.is_in_place();
        if is_in_place {
            // Somebody may have put back what was moved away.
            *lock_of(&self.not_in_place) = None;
        }
        is_in_place || present.not_before.is_some_and(|then| Instant::now() < then)
    }

    fn ask_for_memory(&self) {
        if let Some(ring) = self.current() {
            ring.ask_for_memory();
        }
    }

    fn restore(&self) {
        let Some(mut held) = try_lock(&self.present) else {
            return;
        };
        let gone = held.as_mut().filter(|present| !present.is_in_place());
        if let Some(present) = gone.filter(|_| !self.is_closed()) {
            match present.restore(self) {
                Ok(()) => {
                    present.pause = FIRST_PAUSE;
                    present.not_before = None;
                    self.restored.add(1);
                    *lock_of(&self.not_in_place) = None;
                }
                Err(error) => {
                    present.not_before = Some(Instant::now() + present.pause);
                    present.pause = (present.pause * 2).min(LONGEST_PAUSE);
                    *lock_of(&self.not_in_place) = Some(NotInPlace {
                        code: error.code(),
                        message: error.to_string(),
                    });
                }
            }
        }
        drop(held);
        // `close` does not wait for whoever holds it.
        if self.is_closed() {
            self.finish();
        }
    }
}

impl Present {
    fn is_in_place(&self) -> bool {
        !self.ring.has_ended() && self.segment.is_in_place() && self.lock.is_in_place()
    }

    /// Makes the generation after this one while this one goes on, and puts it into its place. The former is told that
    /// it is replaced, and stays paused for ever.
    fn next(
        &mut self,
        shape: RingShape,
        reserve: Reserve,
        generations: &Generations,
    ) -> Result<Arc<Ring>, OpenError> {
        let options = ExportOptions {
            shape,
            ..self.options.clone()
        };
        let generation = self.generation + 1;
        let segment_options = segment_options(&options, self.epoch, generation, 1);
        let prepared = Segment::prepare(&self.lock, &segment_options, reserve)?;
        let newest_id = self.ring.pause();
        _ = fail_point!("geometry-paused");
        let placed = prepared
            .place(newest_id + 1)
            .map_err(OpenError::from)
            .and_then(|segment| {
                let ring = Arc::new(Ring::new(segment.memory(), self.options.rings_bell)?);
                Ok((segment, ring))
            });
        let (segment, ring) = placed.inspect_err(|_| self.ring.resume())?;
        heartbeat::keep_alive(&ring);
        generations.set_current(&ring, generation);
        let former = std::mem::replace(&mut self.ring, Arc::clone(&ring));
        // Frames go on before the time is spent that freeing memory takes.
        former.supersede();
        self.segment.tell_replaced();
        let mut former_segment = std::mem::replace(&mut self.segment, segment);
        former_segment.end();
        drop_later(former.data_bytes(), (former, former_segment));
        (self.options, self.generation) = (options, generation);
        _ = fail_point!("geometry-changed");
        Ok(ring)
    }

    fn restore(&mut self, generations: &Generations) -> Result<(), OpenError> {
        check_for_a_restore().map_err(|cause| self.descriptors(cause))?;
        if !self.lock.is_in_place() {
            self.lock = self.lock.renew(&self.segment)?;
            if self.segment.is_in_place() && !self.ring.has_ended() {
                return Ok(());
            }
        }
        self.next(self.options.shape, Reserve::Now, generations).map(drop)
    }

    fn descriptors(&self, cause: NoDescriptors) -> OpenError {
        OpenError::Descriptors {
            camera: self.options.camera.clone(),
            cause,
        }
    }
}

fn segment_options(
    options: &ExportOptions,
    epoch: [u8; 16],
    generation: u64,
    first_frame_id: u64,
) -> SegmentOptions {
    SegmentOptions {
        shape: options.shape,
        file_mode: options.file_mode,
        epoch,
        generation,
        first_frame_id,
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ExportOptions, Generations, Kept};
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::thread;
    use vas_frame_protocol::{Geometry, RingShape};
    use vas_frame_segment::writer::{FileMode, new_epoch};
    use vas_frame_segment::{CameraId, FrameSource, Health};

    struct Stage(PathBuf);

    impl Stage {
        fn new() -> Self {
            let random = u64::from_le_bytes(new_epoch().unwrap()[..8].try_into().unwrap());
            Self(format!("/dev/shm/vas-test-{random:016x}").into())
        }

        fn options(&self) -> ExportOptions {
            ExportOptions {
                base_dir: self.0.clone(),
                camera: CameraId::new("gate").unwrap(),
                shape: RingShape::new(Geometry::nv12(64, 48).unwrap(), 3).unwrap(),
                file_mode: FileMode::default(),
                has_checksums: false,
                rings_bell: true,
            }
        }

        fn source(&self) -> FrameSource {
            FrameSource::open(&self.0, &CameraId::new("gate").unwrap()).unwrap()
        }

        /// Descriptors and mappings of this process that lead into this folder, also what is removed there.
        fn held(&self) -> (usize, usize) {
            let is_below = |path: &Path| path.to_string_lossy().starts_with(self.0.to_str().unwrap());
            let descriptors = fs::read_dir("/proc/self/fd").unwrap();
            let descriptors = descriptors
                .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
                .filter(|path| is_below(path));
            let maps = fs::read_to_string("/proc/self/maps").unwrap();
            let mappings = maps
                .lines()
                .filter(|line| line.contains(self.0.to_str().unwrap()));
            (descriptors.count(), mappings.count())
        }
    }

    impl Drop for Stage {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn p2_13_a_thousand_removals_leave_nothing_behind() {
        let stage = Stage::new();
        let (generations, ring) = Generations::open(stage.options()).unwrap();
        drop(ring);
        let before = stage.held();
        assert_eq!(before, (3, 2), "base folder, lock and meta; meta and data");
        for removal in 1..=1000 {
            match removal % 4 {
                0 => fs::remove_dir_all(&stage.0).unwrap(),
                1 => fs::remove_dir_all(stage.0.join("gate")).unwrap(),
                2 => fs::remove_file(stage.0.join("gate/frame.data")).unwrap(),
                _ => {
                    fs::remove_file(stage.0.join("gate/frame.meta")).unwrap();
                    fs::remove_file(stage.0.join(".gate.lock")).unwrap();
                }
            }
            // The keeper of this process may be at it already.
            while generations.restored() < removal {
                generations.restore();
            }
            assert_eq!(generations.not_in_place(), None, "removal {removal}");
            assert!(generations.is_in_place(), "removal {removal}");
        }
        assert_eq!(stage.held(), before);
        let names: Vec<_> = fs::read_dir(&stage.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let identity = *stage.source().reader().header().identity();
        assert_eq!((identity.generation, identity.first_frame_id), (1001, 1));
        generations.close();
        assert_eq!(stage.held(), (0, 0));
        assert_eq!(fs::read_dir(&stage.0).unwrap().count(), 0);
    }

    #[test]
    fn p2_13_an_export_that_is_closed_while_it_is_restored_ends() {
        let stage = Stage::new();
        for _ in 0..300 {
            let (generations, ring) = Generations::open(stage.options()).unwrap();
            drop(ring);
            let source = stage.source();
            fs::remove_dir_all(stage.0.join("gate")).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| generations.restore());
                generations.close();
            });
            assert_eq!(fs::read_dir(&stage.0).unwrap().count(), 0);
            assert!(matches!(source.health(), Health::Ended | Health::Replaced));
            assert_eq!(stage.held(), (2, 2), "the reader's own");
        }
    }
}
