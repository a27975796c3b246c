"""Figures that the simulated traffic is fitted to. Figures only: no text, no row of any source is in here.

Obtained on 2026-11-22 from public traces (log = natural logarithm; mu and sd are of the log of the value):

* Azure LLM inference trace 2023 (CC-BY 4.0), code 8,819 rows and conversation 19,366 rows: tokens in and out.
* Mooncake conversation trace (Apache-2.0), 12,031 rows: tokens, and the share of requests that continue an earlier
  one (their 512-token prefix blocks extend it) with the time since it.
* A pool of 20,887 public prompts (CC0, MIT, Apache): words per prompt, word frequencies, first words, questions.

Volume per account is not in any of them (no trace has users); its spread is an assumption, kept heavy-tailed.
"""

from __future__ import annotations

CODE_IN = (7.00, 1.36)
"""Azure code, context tokens: mu, sd. Median 1,469, 95 % 7,303."""
CODE_OUT = (2.79, 0.85)
"""Azure code, generated tokens: median 13 (completions), 99 % 251."""
CHAT_IN = (6.63, 0.99)
"""Azure conversation, context tokens: median 1,020, 95 % 4,083."""
CHAT_OUT = (5.02, 0.86)
"""Azure conversation, generated tokens: median 129, 95 % 451."""
LONG_IN = (8.74, 1.20)
"""Mooncake, input length: median 6,909, 99 % 85,400."""
LONG_OUT = (5.34, 1.36)
"""Mooncake, output length: median 350, 99 % 1,118."""

CONTINUES = 0.385
"""Mooncake: share of requests whose prefix extends an earlier request's."""
TURN_GAP = (123.0, 0.98)
"""Mooncake: median seconds to the next turn of a conversation, and sd of its log (10 % 42 s, 90 % 483 s)."""
BURSTINESS = {"code": 82.7, "chat": 4.2}
"""Azure: variance over mean of requests per 10 s. Code traffic comes in machine-made bursts."""

ZIPF_SLOPE = -0.91
"""Word frequency against rank (log-log, ranks 10 to 2,000) in chat prompts; templated ones -0.95, code -1.5."""
WORDS = {"chat": (3.84, 0.83), "code": (3.11, 0.41), "maths": (3.74, 0.37), "template": (3.79, 0.54)}
"""Words per prompt by kind: mu, sd."""
QUESTION = {"chat": 0.15, "code": 0.03, "maths": 0.96, "template": 0.28}
"""Share of prompts that end with a question mark."""
SHARED_PHRASE = {"chat": 0.47, "maths": 0.44, "template": 0.95, "code": 0.93}
"""Share of 1,500 prompts that have a run of five words in common with another one of them."""
VOLUME_SIGMA = 1.7
"""Assumed: sd of the log of requests per account. The tenth most active of ten accounts makes most of the traffic."""
