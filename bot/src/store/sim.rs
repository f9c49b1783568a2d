//! A disk for tests: it forgets what was not synced, fails, and fills up.
//!
//! It is as unkind as a disk may be: at a power cut each write that was not synced is there,
//! or not, or torn at a sector, whatever came before or after it; of names that were given,
//! changed and removed any beginning survives, as on a file system with a journal for them.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

/// What is to go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// The power is cut before the operation with this number.
    pub(crate) cut_at: Option<u64>,
    /// The sync with this number fails, once.
    pub(crate) fail_sync: Option<u64>,
    /// So many bytes fit.
    pub(crate) room: Option<usize>,
}

#[derive(Clone, Default)]
struct Inode {
    /// What a read sees.
    now: Vec<u8>,
    /// What survives for certain.
    durable: Vec<u8>,
    /// What was done since the last sync: a write, or a new length.
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

enum Naming {
    Made(String, usize),
    Renamed(String, String),
    Removed(String),
}

#[derive(Default)]
struct Inner {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<Naming>,
    operations: u64,
    syncs: u64,
    plan: Plan,
    off: bool,
}

impl Inner {
    /// Bytes that files take which still have a name.
    fn used(&self) -> usize {
        self.names.values().map(|inode| self.inodes[*inode].now.len()).sum()
    }
}

/// The disk. Cloning gives another handle on the same one.
#[derive(Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Inner>>);

impl SimDisk {
    pub(crate) fn plan(&self, plan: Plan) {
        self.lock().plan = plan;
    }

    /// Whether the power was cut.
    pub(crate) fn is_off(&self) -> bool {
        self.lock().off
    }

    /// The disk as it is found after the power was cut now.
    pub(crate) fn after_power_cut(&self, random: &mut fastrand::Rng) -> SimDisk {
        let inner = self.lock();
        let mut names = inner.durable_names.clone();
        let survive = random.usize(..=inner.pending.len());
        inner.pending.iter().take(survive).for_each(|naming| apply(&mut names, naming));
        let inodes = inner.inodes.iter().map(|inode| {
            let mut bytes = inode.durable.clone();
            for pending in &inode.pending {
                match pending {
                    Pending::Length(length) if random.bool() => bytes.resize(*length, 0),
                    Pending::Length(_) => {}
                    Pending::Write(at, written) => survives(&mut bytes, *at, written, random),
                }
            }
            Inode { now: bytes.clone(), durable: bytes, pending: Vec::new() }
        });
        let inodes = inodes.collect();
        SimDisk(Arc::new(Mutex::new(Inner { inodes, durable_names: names.clone(), names, ..Inner::default() })))
    }

    /// The disk as it is found after the process was killed now: nothing is lost.
    pub(crate) fn after_kill(&self) -> SimDisk {
        let inner = self.lock();
        let inodes = inner.inodes.iter().map(|inode| Inode {
            now: inode.now.clone(),
            durable: inode.now.clone(),
            pending: Vec::new(),
        });
        let names = inner.names.clone();
        let inodes = inodes.collect();
        SimDisk(Arc::new(Mutex::new(Inner { inodes, durable_names: names.clone(), names, ..Inner::default() })))
    }

    /// Changes a file's bytes behind everybody's back.
    pub(crate) fn damage(&self, name: &str, how: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.lock();
        let inode = inner.names[name];
        how(&mut inner.inodes[inode].now);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; none works once the power is cut.
    fn operate(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let mut inner = self.lock();
        inner.operations += 1;
        inner.off |= inner.plan.cut_at.is_some_and(|at| inner.operations >= at);
        if inner.off { Err(io::Error::other("the power is off")) } else { Ok(inner) }
    }
}

/// A write that was not synced: all of it, none of it, or some of its sectors.
fn survives(bytes: &mut Vec<u8>, at: usize, written: &[u8], random: &mut fastrand::Rng) {
    let (all, some) = (random.bool(), random.bool());
    for (number, sector) in written.chunks(SECTOR).enumerate() {
        if all || (some && random.bool()) {
            let from = at + number * SECTOR;
            if bytes.len() < from + sector.len() {
                bytes.resize(from + sector.len(), 0);
            }
            bytes[from..from + sector.len()].copy_from_slice(sector);
        }
    }
}

fn apply(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Made(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        Naming::Renamed(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Naming::Removed(name) => {
            names.remove(name);
        }
    }
}

impl Disk for SimDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.operate()?.names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let inner = self.operate()?;
        let inode = inner.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(inner.inodes[*inode].now.clone())))
    }

    fn write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.operate()?;
        let inode = match inner.names.get(name) {
            Some(inode) => *inode,
            None => {
                inner.inodes.push(Inode::default());
                let inode = inner.inodes.len() - 1;
                inner.names.insert(name.to_owned(), inode);
                inner.pending.push(Naming::Made(name.to_owned(), inode));
                inode
            }
        };
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.naming(Naming::Renamed(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.naming(Naming::Removed(name.to_owned()))
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        let inner = self.operate()?;
        Ok(inner.names.get(name).map(|inode| inner.inodes[*inode].now.len() as u64))
    }

    fn free(&self) -> io::Result<Option<u64>> {
        let inner = self.operate()?;
        Ok(inner.plan.room.map(|room| room.saturating_sub(inner.used()) as u64))
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut inner = self.operate()?;
        inner.durable_names = inner.names.clone();
        inner.pending.clear();
        Ok(())
    }
}

impl SimDisk {
    fn naming(&self, naming: Naming) -> io::Result<()> {
        let mut inner = self.operate()?;
        let (Naming::Made(name, _) | Naming::Renamed(name, _) | Naming::Removed(name)) = &naming;
        if !inner.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        apply(&mut inner.names, &naming);
        inner.pending.push(naming);
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl DiskFile for SimFile {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.disk.operate()?;
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let used = inner.used();
        let more = (at + bytes.len()).saturating_sub(inner.inodes[self.inode].now.len());
        let room = inner.plan.room.map_or(usize::MAX, |room| room.saturating_sub(used));
        // As a real disk does: what fits is written.
        let fits = bytes.len().saturating_sub(more.saturating_sub(room));
        let inode = &mut inner.inodes[self.inode];
        let written = &bytes[..fits];
        if inode.now.len() < at + fits {
            inode.now.resize(at + fits, 0);
        }
        inode.now[at..at + fits].copy_from_slice(written);
        inode.pending.push(Pending::Write(at, written.to_vec()));
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn take_room(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let inner = self.disk.operate()?;
        let now = inner.inodes[self.inode].now.len();
        let room = inner.plan.room.map_or(usize::MAX, |room| room.saturating_sub(inner.used()));
        drop(inner);
        // As the system does it: all or nothing.
        if length.saturating_sub(now) > room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.cut(length as u64)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut inner = self.disk.operate()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let inode = &mut inner.inodes[self.inode];
        inode.now.resize(length, 0);
        inode.pending.push(Pending::Length(length));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.operate()?;
        inner.syncs += 1;
        if inner.plan.fail_sync == Some(inner.syncs) {
            // As Linux does: what was to be written is dropped, and the next sync says that all is well.
            inner.inodes[self.inode].pending.clear();
            return Err(io::Error::other("input/output error"));
        }
        let inode = &mut inner.inodes[self.inode];
        inode.durable = inode.now.clone();
        inode.pending.clear();
        Ok(())
    }
}
