//! Where lines end up: a file that can be opened anew, a named pipe, or standard output.
//!
//! A file is opened so that writing to a pipe that is full does not block. Standard output belongs to others too and is
//! left as it is: writing may block there, which only the writer's thread feels.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::Errno;

pub(super) struct Sink {
    path: Option<PathBuf>,
    /// `None` for a named pipe that nobody reads.
    file: Option<File>,
}

impl Sink {
    /// Opens the file, to append. A named pipe that nobody reads yet is opened once somebody does.
    pub(super) fn open(path: Option<PathBuf>) -> io::Result<Sink> {
        let file = match &path {
            None => Some(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
            Some(_) => None,
        };
        let mut sink = Sink { path, file };
        match sink.reopen() {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::NXIO) => Err(error),
            _ => Ok(sink),
        }
    }

    /// Opens it anew; what is open stays where that fails.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .custom_flags(OFlags::NONBLOCK.bits() as i32)
                .open(path)?;
            self.file = Some(file);
        }
        Ok(())
    }

    /// Writes some of it at least, and says how much.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.reopen()?;
        }
        let written = self.file.as_mut().map(|file| file.write(bytes));
        written.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        path.unwrap_or_else(|| "standard output".into())
    }
}
