//! A barrier in shared memory: partitions wait here for each other between windows.
//!
//! A short wait spins, a long one sleeps: waking a sleeping core costs a hundred times what an
//! exchange does. A partition that breaks down poisons the barrier, so that nobody waits for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Another partition broke down, or the run was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poisoned;

/// Turns of the spin loop before a partition sleeps: about a tenth of a millisecond.
const SPINS: u32 = 2_000;

pub(super) struct Barrier {
    parties: usize,
    spins: u32,
    arrived: AtomicUsize,
    /// Incremented when all have arrived.
    generation: AtomicUsize,
    poisoned: AtomicBool,
    /// How many sleep.
    sleepers: Mutex<usize>,
    wake: Condvar,
}

impl Barrier {
    /// A barrier for so many parties, which spin only if each can have a core of its own.
    pub(super) fn new(parties: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            parties,
            spins: if parties <= cores { SPINS } else { 0 },
            arrived: AtomicUsize::new(0),
            generation: AtomicUsize::new(0),
            poisoned: AtomicBool::new(false),
            sleepers: Mutex::new(0),
            wake: Condvar::new(),
        }
    }

    /// Waits until all parties have called this. What they wrote before is seen after.
    pub(super) fn wait(&self) -> Result<(), Poisoned> {
        let generation = self.generation.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parties {
            self.arrived.store(0, Ordering::Relaxed);
            // Under the lock, so that nobody falls asleep between seeing the old generation and
            // being counted as a sleeper.
            let sleepers = self.lock();
            self.generation
                .store(generation.wrapping_add(1), Ordering::Release);
            if *sleepers > 0 {
                self.wake.notify_all();
            }
            return self.checked();
        }
        for _ in 0..self.spins {
            if self.is_over(generation) {
                return self.checked();
            }
            std::hint::spin_loop();
        }
        let mut sleepers = self.lock();
        *sleepers += 1;
        while !self.is_over(generation) {
            sleepers = self
                .wake
                .wait(sleepers)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *sleepers -= 1;
        drop(sleepers);
        self.checked()
    }

    /// Lets everybody go, now and for ever.
    pub(super) fn poison(&self) {
        let _sleepers = self.lock();
        self.poisoned.store(true, Ordering::Release);
        self.wake.notify_all();
    }

    fn is_over(&self, generation: usize) -> bool {
        self.generation.load(Ordering::Acquire) != generation
            || self.poisoned.load(Ordering::Acquire)
    }

    fn checked(&self) -> Result<(), Poisoned> {
        if self.poisoned.load(Ordering::Acquire) {
            Err(Poisoned)
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // A count stays right whatever its holder panicked over.
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn nobody_passes_before_all_have_arrived() {
        const PARTIES: usize = 4;
        const ROUNDS: u64 = 2_000;
        let barrier = Barrier::new(PARTIES);
        let counts: Vec<AtomicU64> = (0..PARTIES).map(|_| AtomicU64::new(0)).collect();
        std::thread::scope(|scope| {
            for me in 0..PARTIES {
                let (barrier, counts) = (&barrier, &counts);
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        counts[me].store(round, Ordering::Relaxed);
                        barrier.wait().expect("nobody poisons it");
                        for count in counts {
                            let seen = count.load(Ordering::Relaxed);
                            assert!(seen == round || seen == round + 1);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn poison_wakes_those_who_wait_and_those_who_come_later() {
        let barrier = Barrier::new(3);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| barrier.wait());
            std::thread::sleep(std::time::Duration::from_millis(20));
            barrier.poison();
            assert_eq!(waiting.join().expect("no panic"), Err(Poisoned));
            assert_eq!(barrier.wait(), Err(Poisoned));
        });
    }
}
