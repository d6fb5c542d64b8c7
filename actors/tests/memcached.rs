//! The installed memcached, for tests.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use distributex_config::MemcacheServer;

/// A memcached that ends with its test.
#[derive(Debug)]
pub(crate) struct Memcached {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

impl Memcached {
    /// Starts one that evicts nothing, at a port of its own.
    pub(crate) fn start(options: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file =
            std::env::temp_dir().join(format!("distributex-actors-{}-{number}.port", std::process::id()));
        let child = Command::new("memcached")
            .args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-M", "-t", "1", "-p", "-1"])
            .args(options)
            .env("MEMCACHED_PORT_FILENAME", &file)
            .spawn()
            .expect("memcached is installed");
        let mut memcached = Self { child, port: 0 };
        memcached.port = memcached.wait_for_port(&file);
        memcached
    }

    /// Reads the port from the file that it writes once it listens.
    fn wait_for_port(&mut self, file: &PathBuf) -> u16 {
        let deadline = std::time::SystemTime::now() + Duration::from_secs(20);
        while !file.exists() {
            assert!(std::time::SystemTime::now() < deadline, "memcached does not start");
            assert!(self.child.try_wait().unwrap().is_none(), "memcached ended");
            thread::park_timeout(Duration::from_millis(2));
        }
        let text = fs::read_to_string(file).unwrap(); // it was renamed when it was complete
        let _ = fs::remove_file(file);
        text.trim().rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Its address.
    pub(crate) fn server(&self) -> MemcacheServer {
        server(self.port)
    }

    /// Stops it.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The address of a memcached at this port of this machine.
pub(crate) fn server(port: u16) -> MemcacheServer {
    MemcacheServer { host: "127.0.0.1".to_owned(), port }
}
