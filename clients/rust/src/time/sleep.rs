//! Sleep that includes the time of suspend.

use std::{future::pending, io};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::{net::unix::pipe, time::sleep};

use crate::BootTime;

/// Returns at this moment, or at once if it has passed. tokio's own timers pause during suspend: with them a
/// lease would be renewed long after it expired. Cancel-safe.
pub async fn sleep_until(time: BootTime) {
    while !time.remaining().is_zero() {
        if wait_on_timer(time).await.is_err() {
            sleep(time.remaining()).await; // no descriptor left: late after a suspend, but it returns
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
    // A timer is not a pipe, but becomes readable like one; no other tokio type waits for a descriptor without unsafe
    // code.
    pipe::Receiver::from_owned_fd_unchecked(timer)?.readable().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_comes_back_when_it_is_time() {
        let time = BootTime::now() + Duration::from_millis(20);

        sleep_until(time).await;

        assert!(BootTime::now() >= time);
        sleep_until(BootTime::since_boot(Duration::ZERO)).await; // the timer has expired
    }
}
