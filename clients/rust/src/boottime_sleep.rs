//! Waking up in time, also after the machine slept.

use std::{future::pending, io};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::{net::unix::pipe, time::sleep};

use super::BootTime;

/// Returns at this time, or at once if it is past. tokio's own timers stand still in suspend: with them a lease
/// would be renewed long after it was over. May be cancelled.
pub async fn sleep_until(time: BootTime) {
    while !time.remaining().is_zero() {
        if wait_on_timer(time).await.is_err() {
            sleep(time.remaining()).await; // no descriptor left: late after a suspend, but not for ever
        }
    }
}

async fn wait_on_timer(time: BootTime) -> io::Result<()> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let Ok(seconds) = i64::try_from(time.as_duration().as_secs()) else {
        return pending().await;
    };
    let nanoseconds = i64::from(time.as_duration().subsec_nanos());
    let at = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: seconds, tv_nsec: nanoseconds },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &at)?;
    // A timer is no pipe, but as readable as one; nothing else waits for a descriptor without unsafe code.
    pipe::Receiver::from_owned_fd_unchecked(timer)?.readable().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[actix::test]
    async fn it_comes_back_when_it_is_time() {
        let time = BootTime::now() + Duration::from_millis(20);

        sleep_until(time).await;

        assert!(BootTime::now() >= time);
        sleep_until(BootTime::since_boot(Duration::ZERO)).await; // long past
    }
}
