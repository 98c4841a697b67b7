//! Keeps what is dear to make: while nothing it was made of has changed, and else for as long as making it took twenty times
//! over, so all who ask together cost a twentieth of a core. Holds no more than so much at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Made;

/// How many times over what took long to make is kept, whatever has changed.
const TIMES: u32 = 20;

/// Nothing older is shown, however long it took, unless nothing has changed.
const LONGEST: Duration = Duration::from_secs(30);

/// How long something holds that was just made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It changes by itself, as time goes by.
    AWhile,
    /// Until its basis is another one.
    Until,
}

/// What was made, of a key; `B` is what it was made of, by which it is known to hold still.
#[derive(Debug)]
pub(crate) struct Kept<K, V, B> {
    shelf: Mutex<Shelf<K, V, B>>,
    most: usize,
    weigh: fn(&V) -> usize,
}

#[derive(Debug)]
struct Shelf<K, V, B> {
    spots: HashMap<K, Spot<V, B>>,
    /// Counts who came.
    turn: u64,
}

#[derive(Debug)]
struct Spot<V, B> {
    place: Arc<Place<V, B>>,
    weight: usize,
    /// The turn of who came last.
    used: u64,
}

#[derive(Debug)]
struct Place<V, B> {
    made: Mutex<Option<Thing<V, B>>>,
    /// Held by whoever makes the next one.
    making: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Thing<V, B> {
    value: V,
    /// Absent where it changes by itself.
    basis: Option<B>,
    /// When it was true last.
    at: Instant,
    took: Duration,
}

impl<V, B: PartialEq> Thing<V, B> {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < (self.took * TIMES).min(LONGEST)
    }

    fn holds(&self, basis: &impl Fn() -> Made<B>) -> Made<bool> {
        match &self.basis {
            Some(known) => Ok(basis()? == *known),
            None => Ok(false),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone, B: PartialEq + Clone> Kept<K, V, B> {
    /// Keeps things that weigh `most` together, and the one that was made last, whatever it weighs.
    pub(crate) fn new(most: usize, weigh: fn(&V) -> usize) -> Self {
        Self { shelf: Mutex::new(Shelf { spots: HashMap::new(), turn: 0 }), most, weigh }
    }

    /// Returns what is kept, or makes it. While one makes it anew, the others get what was there. Blocks.
    pub(crate) fn get(
        &self,
        key: &K,
        basis: impl Fn() -> Made<B>,
        make: impl FnOnce() -> Made<(V, Holds)>,
    ) -> Made<V> {
        let place = self.place(key);
        let kept = lock(&place.made).clone();
        if let Some(thing) = &kept {
            if thing.is_fresh() {
                return Ok(thing.value.clone());
            }
            if thing.holds(&basis)? {
                lock(&place.made).iter_mut().for_each(|thing| thing.at = Instant::now());
                return Ok(thing.value.clone());
            }
        }
        let not_too_old = kept.filter(|thing| thing.at.elapsed() < LONGEST * 2);
        let _making = match (place.making.try_lock(), not_too_old) {
            (Ok(making), _) => making,
            (Err(_), Some(thing)) => return Ok(thing.value),
            (Err(_), None) => lock(&place.making),
        };
        // Another may have made it while this one waited.
        if let Some(thing) = lock(&place.made).as_ref().filter(|thing| thing.is_fresh()) {
            return Ok(thing.value.clone());
        }
        let made = self.make(&basis, make);
        match made {
            Ok(thing) => {
                let value = thing.value.clone();
                *lock(&place.made) = Some(thing);
                self.keep(key, &place, (self.weigh)(&value));
                Ok(value)
            }
            Err(fault) => {
                self.forget_unmade(key);
                Err(fault)
            }
        }
    }

    fn make(
        &self,
        basis: &impl Fn() -> Made<B>,
        make: impl FnOnce() -> Made<(V, Holds)>,
    ) -> Made<Thing<V, B>> {
        let at = Instant::now();
        // Before it is made: what changes meanwhile makes it another one.
        let basis = basis()?;
        let (value, holds) = make()?;
        let basis = (holds == Holds::Until).then_some(basis);
        Ok(Thing { value, basis, at, took: at.elapsed() })
    }

    fn place(&self, key: &K) -> Arc<Place<V, B>> {
        let mut shelf = lock(&self.shelf);
        shelf.turn += 1;
        let used = shelf.turn;
        let empty = || Arc::new(Place { made: Mutex::new(None), making: Mutex::new(()) });
        let spot = shelf.spots.entry(key.clone()).or_insert_with(|| Spot { place: empty(), weight: 0, used });
        spot.used = used;
        Arc::clone(&spot.place)
    }

    /// Notes what it weighs, and lets go of what nobody asked for the longest.
    fn keep(&self, key: &K, place: &Arc<Place<V, B>>, weight: usize) {
        let mut shelf = lock(&self.shelf);
        let used = shelf.turn;
        let spot = Spot { place: Arc::clone(place), weight, used };
        shelf.spots.insert(key.clone(), spot);
        while shelf.weight() > self.most {
            let others = shelf.spots.iter().filter(|(other, spot)| *other != key && spot.weight > 0);
            let Some(oldest) = others.min_by_key(|(_, spot)| spot.used).map(|(other, _)| other.clone())
            else {
                return;
            };
            shelf.spots.remove(&oldest);
        }
    }

    /// Days that cannot be made are without number.
    fn forget_unmade(&self, key: &K) {
        let mut shelf = lock(&self.shelf);
        if shelf.spots.get(key).is_some_and(|spot| spot.weight == 0) {
            shelf.spots.remove(key);
        }
    }
}

impl<K, V, B> Shelf<K, V, B> {
    fn weight(&self) -> usize {
        self.spots.values().map(|spot| spot.weight).sum()
    }
}

/// What a panic left is whole: each is set at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
