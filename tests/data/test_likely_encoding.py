"""The encoding that a message advises must be the one that reads the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data.likely_encoding import likely_encoding, looks_like_utf16
from tunesmith.data.read import read_table

SAMPLES = {
    "windows-1252": "Préparez le café: „5 €“ für Ñandú, s'il vous plaît\n",
    "windows-1251": "Здравствуйте, где мой заказ номер 12? Спасибо большое\n",
    "shift_jis": "私の注文はどこにありますか？ありがとうございます。\n",
    "euc_jp": "私の注文はどこにありますか？ありがとうございます。\n",
    "euc_kr": "안녕하세요, 제 주문은 어디에 있습니까? 감사합니다.\n",
    "gb18030": "你好，我的订单在哪里？房间很干净，服务也不错。\n",
    "utf-16-le": "Where is my card?\n",
    "utf-16-be": "Where is my card?\n",
}


@pytest.mark.parametrize("encoding", SAMPLES)
def test_the_encoding_is_recognised(encoding: str) -> None:
    """A sentence in each encoding is told from all the others, also among English text and cut short."""
    sample = SAMPLES[encoding].encode(encoding)
    assert likely_encoding(sample) == encoding
    if not encoding.startswith("utf-16"):
        assert likely_encoding(b"Some English words before it, ok. " + sample * 5 + sample[:-2]) == encoding


def test_bytes_without_meaning_in_windows_1252_are_latin_1() -> None:
    """Five bytes are nothing in windows-1252; latin-1 has them as controls."""
    assert likely_encoding(b"caf\xe9 \x81") == "latin-1"


def test_plain_text_is_of_no_other_encoding() -> None:
    """Pure ASCII advises nothing, and is not UTF-16."""
    assert likely_encoding(b"plain") is None
    assert not looks_like_utf16(b"plain")


def test_real_chinese_text_is_recognised(real_data: Path) -> None:
    """Hotel reviews in GB 18030."""
    texts = read_table(real_data / "chnsenticorp" / "test.csv").columns["text"]
    recognised = [likely_encoding(text.encode("gb18030")) == "gb18030" for text in texts if len(text) > 20]
    assert sum(recognised) / len(recognised) > 0.98
