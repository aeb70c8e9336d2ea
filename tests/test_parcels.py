"""What travels from store to store arrives as it was, or not at all."""

from dataclasses import replace

import pytest
import torch

from rlhf_lessons import parcels, store
from rlhf_lessons.sealed import BrokenError

FOLDER = f"sft-{'a' * 16}"


@pytest.fixture
def parcel(tmp_path, monkeypatch):
    """One entry of another store; the store is a new one."""
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "first"))
    store.save("sft", "a" * 16, {"weight": torch.tensor([1.5, -2.0])}, {"seconds": 3.5})
    (found,) = parcels.pack(parcels.stored())
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "second"))
    return found


def test_it_arrives_as_it_was(parcel):
    assert parcels.stored() == set()
    parcels.unpack([parcel])
    assert parcels.stored() == {store.home() / FOLDER} and parcels.pack(parcels.stored()) == [parcel]
    found = store.load("sft", "a" * 16)
    assert found and found.tensors["weight"].tolist() == [1.5, -2.0] and found.meta == {"seconds": 3.5}


def test_what_was_damaged_on_its_way_is_refused(parcel):
    meta, weights = parcel.meta.replace(b"3.5", b"4.5"), parcel.weights[:-1] + b"\x01"
    for damaged in (replace(parcel, meta=meta), replace(parcel, weights=weights)):
        with pytest.raises(BrokenError, match=f"{FOLDER}.* is cut short or was edited"):
            parcels.unpack([damaged])
    assert parcels.stored() == set()


def test_what_is_there_already_stays(parcel):
    store.save("sft", "a" * 16, {"weight": torch.zeros(1)}, {})
    parcels.unpack([parcel])
    found = store.load("sft", "a" * 16)
    assert found and found.tensors["weight"].tolist() == [0]


def test_what_is_damaged_here_does_not_travel(parcel):
    parcels.unpack([parcel])
    (store.home() / FOLDER / store.META).write_text("{}")
    assert parcels.pack([store.home() / FOLDER]) == []
