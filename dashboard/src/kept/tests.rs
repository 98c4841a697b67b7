//! What is kept: made once, held while nothing changes, and no more of it than fits.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use proptest::prelude::*;

use super::*;
use crate::fault::Fault;

fn unchanged() -> Made<u32> {
    Ok(0)
}

/// As if all had been made at once and long ago: nothing is fresh.
fn age<K, V, B>(kept: &Kept<K, V, B>) {
    for spot in lock(&kept.shelf).spots.values() {
        lock(&spot.place.made).iter_mut().for_each(|thing| thing.took = Duration::ZERO);
    }
}

#[test]
fn a_fault_is_told_and_not_kept() {
    let kept: Kept<u8, u8, u32> = Kept::new(8, |_| 1);
    let fault = |what| Fault::NotFound { what };
    assert!(kept.get(&1, unchanged, || Err(fault("day"))).is_err());
    assert!(lock(&kept.shelf).spots.is_empty());
    assert_eq!(kept.get(&1, unchanged, || Ok((1, Holds::Until))).unwrap(), 1);
    age(&kept);
    assert!(kept.get(&1, || Err(fault("row")), || Ok((2, Holds::Until))).is_err());
}

#[test]
fn what_took_long_is_made_once_for_all_who_ask_meanwhile() {
    let (kept, made): (Kept<(), u32, u32>, _) = (Kept::new(8, |_| 1), AtomicU32::new(0));
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (kept, made) = (&kept, &made);
    std::thread::scope(|scope| {
        let slow = scope.spawn(move || {
            kept.get(&(), unchanged, || {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok((made.fetch_add(1, Ordering::SeqCst), Holds::AWhile))
            })
        });
        has_begun.recv().unwrap();
        let other =
            || kept.get(&(), unchanged, || Ok((100 + made.fetch_add(1, Ordering::SeqCst), Holds::AWhile)));
        let others: Vec<_> = (0..4).map(|_| scope.spawn(other)).collect();
        // waits for nothing: makes the first one dear enough to be kept while the others come
        std::thread::sleep(Duration::from_millis(100));
        go_on.send(()).unwrap();
        assert_eq!(slow.join().unwrap().unwrap(), 0);
        assert!(others.into_iter().all(|other| other.join().unwrap().unwrap() == 0));
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

#[test]
fn what_changes_by_itself_is_made_anew_and_the_rest_when_its_basis_is_another_one() {
    for (holds, basis_then, made_then) in [(Holds::AWhile, 0, 2), (Holds::Until, 0, 1), (Holds::Until, 1, 2)]
    {
        let kept: Kept<u8, u32, u32> = Kept::new(8, |_| 1);
        kept.get(&0, || Ok(0), || Ok((1, holds))).unwrap();
        age(&kept);
        let found = kept.get(&0, || Ok(basis_then), || Ok((2, holds))).unwrap();
        assert_eq!(found, made_then, "{holds:?}, {basis_then}");
    }
}

proptest! {
    /// Whoever asks for any keys in any order, with things of any weight, gets what belongs to the key and the basis.
    #[test]
    fn no_more_is_held_than_fits_and_all_of_it_is_right(
        asked in prop::collection::vec((0u8..6, 0u32..3, 1usize..12), 1..60),
    ) {
        let kept: Kept<u8, (u8, u32, usize), u32> = Kept::new(20, |thing| thing.2);
        for (key, basis, weight) in asked {
            age(&kept);
            let found = kept.get(&key, || Ok(basis), || Ok(((key, basis, weight), Holds::Until))).unwrap();
            prop_assert_eq!((found.0, found.1), (key, basis));
            let shelf = lock(&kept.shelf);
            prop_assert!(shelf.weight() <= 20, "{}", shelf.weight());
            prop_assert!(shelf.spots.contains_key(&key), "what was asked for last is there");
        }
    }
}
