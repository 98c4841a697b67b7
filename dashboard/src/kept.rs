//! Keeps what is dear to make, for as long as making it took twenty times over: so all who ask together cost a twentieth
//! of a core.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Made;

/// How many times over what took long to make is kept.
const TIMES: u32 = 20;

/// Nothing older is shown, however long it took.
const LONGEST: Duration = Duration::from_secs(30);

/// Whoever leafs through the days of a year is not to fill the memory.
const MOST: usize = 32;

#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    places: Mutex<HashMap<K, Arc<Place<V>>>>,
}

#[derive(Debug)]
struct Place<V> {
    made: Mutex<Option<Thing<V>>>,
    /// Held by whoever makes the next one.
    making: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Thing<V> {
    value: V,
    at: Instant,
    took: Duration,
}

impl<V> Thing<V> {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < (self.took * TIMES).min(LONGEST)
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { places: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// Returns what is kept, or makes it. While one makes it anew, the others get what was there. Blocks.
    pub(crate) fn get(&self, key: K, make: impl FnOnce() -> Made<V>) -> Made<V> {
        let place = self.place(key);
        let kept = lock(&place.made).clone();
        if let Some(thing) = kept.as_ref().filter(|thing| thing.is_fresh()) {
            return Ok(thing.value.clone());
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
        let at = Instant::now();
        let value = make()?;
        *lock(&place.made) = Some(Thing { value: value.clone(), at, took: at.elapsed() });
        Ok(value)
    }

    fn place(&self, key: K) -> Arc<Place<V>> {
        let mut places = lock(&self.places);
        if places.len() >= MOST && !places.contains_key(&key) {
            places.retain(|_, place| lock(&place.made).as_ref().is_some_and(Thing::is_fresh));
            if places.len() >= MOST {
                places.clear();
            }
        }
        let empty = || Arc::new(Place { made: Mutex::new(None), making: Mutex::new(()) });
        Arc::clone(places.entry(key).or_insert_with(empty))
    }
}

/// What a panic left is whole: each is set at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::fault::Fault;

    #[test]
    fn what_is_made_at_once_is_made_each_time_and_a_fault_is_not_kept() {
        let kept: Kept<u8, u8> = Kept::default();
        assert!(kept.get(1, || Err(Fault::NotFound { what: "day" })).is_err());
        assert_eq!(kept.get(1, || Ok(1)).unwrap(), 1);
        for key in 0..=u8::try_from(MOST).unwrap() {
            assert_eq!(kept.get(key, || Ok(key)).unwrap(), key);
        }
        assert!(lock(&kept.places).len() <= MOST);
    }

    #[test]
    fn what_took_long_is_made_once_for_all_who_ask_meanwhile() {
        let (kept, made): (Kept<(), u32>, _) = (Kept::default(), AtomicU32::new(0));
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (kept, made) = (&kept, &made);
        std::thread::scope(|scope| {
            let slow = scope.spawn(move || {
                kept.get((), || {
                    begun.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    Ok(made.fetch_add(1, Ordering::SeqCst))
                })
            });
            has_begun.recv().unwrap();
            let others: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| kept.get((), || Ok(100 + made.fetch_add(1, Ordering::SeqCst)))))
                .collect();
            // waits for nothing: makes the first one dear enough to be kept while the others come
            std::thread::sleep(Duration::from_millis(100));
            go_on.send(()).unwrap();
            assert_eq!(slow.join().unwrap().unwrap(), 0);
            assert!(others.into_iter().all(|other| other.join().unwrap().unwrap() == 0));
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }
}
