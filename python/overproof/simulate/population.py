"""Who holds accounts with the made provider: innocents that look like a group, and groups that look like innocents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from ..errors import InputError
from .accounts import ZONES, Account, share
from .text_model import Ints, pick, shuffled

__all__ = [
    "SHARES",
    "SYSTEMS",
    "TEMPERATURES",
    "Member",
    "make_population",
    "private_template",
    "public_template",
    "template_text",
]

SHARES = {"normal": 0.44, "template": 0.24, "heavy": 0.15, "harness": 0.06, "publisher": 0.07, "reseller": 0.04}
"""Of the requests that no pooled group makes; a role without accounts leaves its share to the normal ones."""
TEMPERATURES = (1.0, 0.7, 0.0)
SYSTEMS = (None, "You are a helpful assistant.", "Answer briefly and to the point.", "You are a patient teacher.")

PUBLIC = (
    "Act as a tutor. Teach me this, with an example at the end:\n{prompt}",
    "Question: {prompt}\nGive the key points first, then the details.",
    "You are a coding companion inside an editor.\n<task>{prompt}</task>\nReply in markdown.",
    "[search plugin v3] Use what you know and answer the query below.\n\nQuery: {prompt}",
    "Translate what follows into a clear answer for a forum.\n---\n{prompt}\n---",
    "Hi! {prompt} Please keep it friendly, I will paste it into my newsletter.",
    "ROLE: senior engineer\nTASK: {prompt}\nFORMAT: short paragraphs",
    "Help me prepare an exam. Topic and question: {prompt} What must I remember?",
)
HARNESS = "Question: {prompt}\nLet's think step by step and give the final answer."
HEADS = (
    "You are an expert assistant. Answer the task below fully and correctly.",
    "Below is an instruction. Write a detailed response.",
    "Please solve this and explain each step. Do not mention that you are an AI.",
    "Write the best possible reply to the message of a user.",
    "Complete the record. The answer must stand alone, without any reference to this text.",
    "Answer as a knowledgeable colleague would, in full sentences.",
)
MARKS = (("### Task", "### Answer"), ("### Instruction:", "### Response:"), ("<q>", "<a>"), ("INPUT", "OUTPUT"))
SLOTS = ("", "[id:{n}] ", "(item {n} of the list) ", "#{n}\n")


@dataclass(frozen=True)
class Member(Account):
    """An account with all that the provider knows of it, and its role, which the provider does not know.

    Roles are ``normal``, ``heavy``, ``template`` (user of a public tool), ``harness`` (a benchmark), ``publisher``
    (puts what it is served on the web), ``reseller`` (passes it on) and ``pooled`` (of a group that collects).
    """

    group: int
    template: int
    payment: str
    network: str
    created: int
    temperature: int
    system: int
    caches: bool


def public_template(number: int) -> str:
    """A public tool's template; there are more than eight by adding a version."""
    version = number // len(PUBLIC)
    return PUBLIC[number % len(PUBLIC)] + (f"\n(template version {version + 1})" if version else "")


def private_template(number: int, form: int) -> str:
    """A group's own template, in one of its two forms, some with a number that changes with each request."""
    head, mark = HEADS[(number + form) % len(HEADS)], MARKS[(number // len(HEADS) + form) % len(MARKS)]
    return f"{SLOTS[number % len(SLOTS)]}{head}\n\n{mark[0]}\n{{prompt}}\n\n{mark[1]}"


def make_population(
    rng: np.random.Generator,
    *,
    requests: int,
    accounts: int,
    heavy: int,
    templates: int,
    template_users: int,
    harness: int,
    publishers: int,
    resellers: int,
    groups: Sequence[int],
    pooled_share: float,
    cache: float,
) -> list[Member]:
    """Share the requests among accounts and give each what a provider knows of it.

    Volumes of normal accounts and template users follow a Pareto law of shape 1 within their role, the others are even
    within 20 %. Of a group, 60 % of the accounts pay by and 70 % come through what they share with others of it, if it
    has more than one; 5 % of the innocent accounts share a payment (companies), and half share a network with many.

    Raises
    ------
    InputError
        Counts and shares that make no log.
    """
    per_role = {
        "normal": accounts,
        "template": templates * template_users,
        "heavy": heavy,
        "harness": harness,
        "publisher": publishers,
        "reseller": resellers,
    }
    if min(*per_role.values(), templates, template_users, *groups, 1 if groups else 0) < 0 or accounts < 1:
        raise InputError("accounts must be 1 or more, all other numbers of accounts 0 or more")
    if any(size < 1 for size in groups):
        raise InputError(f"groups: {list(groups)!r}: each needs an account at least")
    if not 0 <= pooled_share < 1:
        raise InputError(f"pooled_share: {pooled_share!r} must be in [0, 1)")
    of_pool = round(requests * pooled_share) if groups else 0
    if of_pool < sum(groups) or requests - of_pool < 2 * sum(per_role.values()):
        raise InputError(
            f"requests: {requests} are too few for {sum(groups)} pooled and {sum(per_role.values())} other accounts"
        )
    rest = requests - of_pool
    counts: dict[str, int] = {
        role: max(n, int(SHARES[role] * rest)) if n else 0 for role, n in per_role.items() if role != "normal"
    }
    counts["normal"] = rest - sum(counts.values())
    if counts["normal"] < accounts:
        raise InputError(f"requests: {requests} leave fewer than one to each of {accounts} normal accounts")
    roles: list[tuple[str, int, int, int]] = []  # role, requests, group, template
    for role, n in per_role.items():
        u = rng.random(n)
        weights = 1.0 / (1.0 - u * 0.995) if role in ("normal", "template") else 0.8 + 0.4 * u
        volume = share(weights, counts[role]) if n else []
        roles += [(role, volume[i], -1, i // template_users if role == "template" else -1) for i in range(n)]
    sizes = share(np.array(groups, np.float64), of_pool - sum(groups) + len(groups)) if groups else []
    for group, (size, total) in enumerate(zip(groups, sizes, strict=True)):
        volume = share(0.8 + 0.4 * rng.random(size), total + size - 1)
        roles += [("pooled", n, group, group) for n in volume]
    return _known(rng, roles, list(groups), templates, cache)


def _known(
    rng: np.random.Generator, roles: list[tuple[str, int, int, int]], groups: list[int], templates: int, cache: float
) -> list[Member]:
    total = len(roles)
    u = rng.random((total, 8))
    zone = np.floor(u[:, 0] * len(ZONES)).astype(np.int64).tolist()
    nets = max(2, total // 20)
    common = np.floor(u[:, 1] * u[:, 1] * nets).astype(np.int64).tolist()
    tool = pick(rng, np.array([6, 9, 10]), max(1, templates)).tolist()  # a tool has one setting for all
    order: Ints = shuffled(rng, total)  # so that an id says nothing of the role
    salt = int(rng.random() * 2**53)
    members = []
    for number, i in enumerate(order.tolist()):
        role, requests, group, template = roles[i]
        shared, of_net, age, warm, words, caching = u[i, 2:].tolist()
        payment, network = f"own {number}", f"common {common[i]}" if of_net < 0.5 else f"own {number}"
        temperature = 0 if warm < 0.6 else 1 if warm < 0.9 else 2
        if role == "pooled":
            size = groups[group]
            if size > 1 and shared < 0.6:
                payment = f"group {group} {int(shared / 0.6 * max(1, size // 4))}"
            if size > 1 and of_net < 0.7:
                network = f"group {group} {int(of_net / 0.7 * max(1, size // 6))}"
            temperature = 0
        elif role == "harness":
            temperature = 2
        elif role == "template":
            temperature = tool[template]
        elif shared < 0.05:
            payment = f"company {int(shared * total / 4)}"
        members.append(
            Member(
                id=f"acct-{number:05d}",
                role=role,
                zone=ZONES[zone[i]],
                requests=requests,
                group=group,
                template=template,
                payment=f"pay-{_opaque(salt, payment)}",
                network=f"net-{_opaque(salt, network)}",
                created=1 + int(age * (20 if role == "pooled" else 500)),
                temperature=temperature,
                system=0 if role in ("pooled", "harness", "template") else int(words * len(SYSTEMS)),
                caches=role != "pooled" and caching < cache,
            )
        )
    return members


def _opaque(salt: int, name: str) -> str:
    """A name that says nothing of what it stands for."""
    return blake2b(f"{salt} {name}".encode(), digest_size=5).hexdigest()


def template_text(member: Member, form: float) -> str | None:
    """The template around one request of a member, by a uniform number; None for a bare prompt."""
    if member.role == "pooled":
        return None if form >= 0.97 else private_template(member.template, 0 if form < 0.85 else 1)
    if member.role == "template":
        return public_template(member.template)
    return HARNESS if member.role == "harness" else None
