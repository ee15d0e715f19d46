#!/usr/bin/env python3
"""Writes golden/cg-detr.safetensors: a second realisation of CG-DETR and its losses, in PyTorch and double precision.

Four configurations: adaptive (CG-DETR), cross (QD-DETR), joint (Moment-DETR) and masra (CG-DETR with the parts of MASRA). Norms are PyTorch's, attention is written
out, and losses are loops over the videos, their clips and moments, with as many clips and words as each really has: nothing
is masked. Moments are matched by trying every way.

The file holds input/NAME, and for each configuration KIND/weight/NAME, KIND/expected/NAME (outputs and losses) and
KIND/gradient/NAME, of the sum of all losses. Made with PyTorch 1.13.
"""
import itertools
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(20)

batch, clips, words = 3, 7, 5
channels, text_channels = 10, 6
d, heads, inner = 8, 2, 12
encoder_layers, decoder_layers, queries = 2, 3, 4
t2v_layers, dummies, dummy_layers, prompts, kept = 2, 3, 2, 4, 2
lengths, told = [7, 5, 6], [5, 3, 4]
margin = 0.2
codes, context_layers, map_channels, event_channels = 12, 2, 3, 5

# Those with dummies.
guided = ("adaptive", "masra")

f32 = lambda x: x.float().double()


def draw(kind):
    """Weights of a configuration, by their names."""
    w = {}

    def declare(name, *shape, scale=None):
        w[name] = f32(torch.randn(*shape) * (scale or 1 / math.sqrt(shape[-1])))

    def linear(name, inputs, outputs):
        declare(f"{name}.weight", outputs, inputs)
        declare(f"{name}.bias", outputs, scale=0.2)

    def norm(name, size=d):
        w[f"{name}.weight"] = f32(1 + 0.3 * torch.randn(size))
        declare(f"{name}.bias", size, scale=0.2)

    def packed(name):
        declare(f"{name}.in_proj_weight", 3 * d, d)
        declare(f"{name}.in_proj_bias", 3 * d, scale=0.2)
        linear(f"{name}.out_proj", d, d)

    def feed(at):
        linear(f"{at}.linear1", d, inner)
        linear(f"{at}.linear2", inner, d)
        if kind != "joint":
            w[f"{at}.activation.weight"] = f32(0.1 + 0.4 * torch.rand(1))

    def encoder(at, layers):
        for i in range(layers):
            packed(f"{at}.layers.{i}.self_attn")
            feed(f"{at}.layers.{i}")
            norm(f"{at}.layers.{i}.norm1")
            norm(f"{at}.layers.{i}.norm2")

    def mlp(at, outputs, layers):
        for i in range(layers):
            linear(f"{at}.layers.{i}", d, outputs if i == layers - 1 else d)

    for name, size in (("vid", channels), ("txt", text_channels)):
        for i in range(2):
            norm(f"input_{name}_proj.{i}.LayerNorm", size if i == 0 else d)
            linear(f"input_{name}_proj.{i}.net.1", size if i == 0 else d, d)
    encoder("transformer.encoder", encoder_layers)
    if kind in guided:
        declare("token_type_embeddings.weight", 2, d, scale=0.3)
    if kind == "masra":
        declare("masra.codebook.codes", codes, d, scale=0.4)
        encoder("masra.context", context_layers)
        declare("masra.semantic_alignment.weight", event_channels, d)
        for n in (1, 2):
            packed(f"masra.guided_enhancement.attention{n}")
        norm("masra.guided_enhancement.norm")
        declare("masra.second_order.conv1.weight", map_channels, 1, 3, 3, scale=0.4)
        declare("masra.second_order.conv1.bias", map_channels, scale=0.2)
        declare("masra.second_order.conv2.weight", 1, map_channels, 3, 3, scale=0.4)
        declare("masra.second_order.conv2.bias", 1, scale=0.2)
        mlp("masra.second_order.mlp", d, 2)
        norm("masra.second_order.norm")
    if kind == "adaptive":
        declare("dummy_rep_token", dummies, d, scale=1)
        declare("dummy_rep_pos", dummies, d, scale=1)
        encoder("txtproj_encoder", dummy_layers)
    if kind in guided:
        declare("global_rep_token", prompts, d, scale=1)
        declare("global_rep_pos", 1, d, scale=1)
        for token, name in (("sent_rep", "scls_encoder"), ("moment_rep", "transformer.mcls_encoder")):
            declare(f"{token}_token", d, scale=1)
            declare(f"{token}_pos", d, scale=1)
            encoder(name, 1)
    if kind == "cross":
        declare("global_rep_token", d, scale=1)
        declare("global_rep_pos", d, scale=1)
    if kind == "joint":
        linear("saliency_proj", d, 1)
    else:
        for i in range(t2v_layers):
            at = f"transformer.t2v_encoder.layers.{i}"
            packed(f"{at}.self_attn") if kind == "cross" else linear(f"{at}.self_attn.out_proj", d, d)
            feed(at)
            norm(f"{at}.norm1")
            norm(f"{at}.norm2")
        linear("saliency_proj1", d, d)
        linear("saliency_proj2", d, d)
    declare("query_embed.weight", queries, d if kind == "joint" else 2, scale=1)
    for i in range(decoder_layers):
        at = f"transformer.decoder.layers.{i}"
        if kind == "joint":
            packed(f"{at}.self_attn")
            packed(f"{at}.multihead_attn")
        else:
            own = ["sa_qcontent", "sa_qpos", "sa_kcontent", "sa_kpos", "sa_v"]
            own += ["ca_qcontent", "ca_kcontent", "ca_kpos", "ca_v", "ca_qpos_sine"] + ["ca_qpos"] * (i == 0)
            for name in own:
                linear(f"{at}.{name}_proj", d, d)
            linear(f"{at}.self_attn.out_proj", d, d)
            linear(f"{at}.cross_attn.out_proj", d, d)
        feed(at)
        for n in (1, 2, 3):
            norm(f"{at}.norm{n}")
    norm("transformer.decoder.norm")
    if kind != "joint":
        mlp("transformer.decoder.ref_point_head", d, 2)
        mlp("transformer.decoder.query_scale", d, 2)
        mlp("transformer.decoder.ref_anchor_head", 1, 2)
        mlp("transformer.decoder.bbox_embed", 2, 3)
    linear("class_embed", d, 2)
    mlp("span_embed", 2, 3)
    return w


video, text = f32(torch.randn(batch, clips, channels)), f32(torch.randn(batch, words, text_channels))
moments_of = [[(0.25, 0.2), (0.7, 0.4)], [(0.5, 0.5)], [(0.3, 0.35), (0.85, 0.2)]]
inside = [[0, 1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 1, 1, 0]]
levels = [[0, 6, 12, 1, 3, 12, 0], [0, 4, 9, 5, 0, 0, 0], [2, 7, 0, 0, 11, 3, 0]]
higher = [[1, 2, 4], [2, 1, 3], [4, 0, clips]]
lower = [[0, 3, 6], [0, 4, 1], [2, 3, 0]]
other_video = [1, 0, 1]
# What priors tell: the clips of each event, and which clips have a caption.
event_clips = [[[1, 2], [4, 5, 6]], [[0, 1, 2]], []]
captioned = [[0, 1, 2, 3, 4, 5, 6], [1, 2, 4], []]
priors_generator = torch.Generator().manual_seed(21)
prior = lambda *shape: f32(torch.randn(*shape, generator=priors_generator))
events, captions = prior(batch, 2, event_channels), prior(batch, clips, event_channels)


def affine(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])


def mlp(w, at, x):
    count = sum(name.startswith(f"{at}.layers.") and name.endswith("weight") for name in w)
    for i in range(count):
        x = affine(w, f"{at}.layers.{i}", x)
        x = torch.relu(x) if i < count - 1 else x
    return x


def feed(w, at, x):
    h = affine(w, f"{at}.linear1", x)
    slope = w.get(f"{at}.activation.weight", torch.zeros(1))
    return affine(w, f"{at}.linear2", torch.where(h > 0, h, slope * h))


# One video at a time: sequences are (length, width).


def probabilities(q, k):
    """(heads, Lq, Lk)."""
    split = lambda x: x.reshape(len(x), heads, -1).transpose(0, 1)
    q, k = split(q), split(k)
    return (q @ k.transpose(1, 2) / math.sqrt(q.shape[2])).softmax(2)


def gather(w, at, p, v):
    split = v.reshape(len(v), heads, -1).transpose(0, 1)
    return affine(w, f"{at}.out_proj", (p @ split).transpose(0, 1).reshape(p.shape[1], -1))


def multi_head(w, at, q, k, v):
    (wq, wk, wv), (bq, bk, bv) = w[f"{at}.in_proj_weight"].split(d), w[f"{at}.in_proj_bias"].split(d)
    return gather(w, at, probabilities(q @ wq.T + bq, k @ wk.T + bk), v @ wv.T + bv)


def encode(w, at, x, positions):
    i = 0
    while f"{at}.layers.{i}.linear1.weight" in w:
        own = f"{at}.layers.{i}"
        x = norm(w, f"{own}.norm1", x + multi_head(w, f"{own}.self_attn", x + positions, x + positions, x))
        x = norm(w, f"{own}.norm2", x + feed(w, own, x))
        i += 1
    return x


def after_attention(w, at, x, attended):
    y = x + attended
    return norm(w, f"{at}.norm2", y + feed(w, at, norm(w, f"{at}.norm1", y)))


def sine(x, width):
    """Of numbers, a list or (n): (n, width)."""
    rows = []
    for value in x:
        row = []
        for i in range(width // 2):
            angle = 2 * math.pi * value / 10_000 ** (2 * i / width)
            row += [torch.sin(angle), torch.cos(angle)]
        rows.append(torch.stack(row))
    return torch.stack(rows)


def project(w, name, x, kind):
    for i in range(2):
        at = f"input_{name}_proj.{i}"
        x = affine(w, f"{at}.net.1", norm(w, f"{at}.LayerNorm", x))
        x = torch.relu(x) if i == 0 else x
    if kind in guided:
        x = x + w["token_type_embeddings.weight"][1 if name == "vid" else 0]
    return x


def refine(w, t):
    """The dummies, refined by the words of one text."""
    x = torch.cat([w["dummy_rep_token"], t])
    positions = torch.cat([w["dummy_rep_pos"], torch.zeros_like(t)])
    return encode(w, "txtproj_encoder", x, positions)[:dummies]


def retrieve(w, v, t):
    """MASRA: what the video shows and the text does not say, and the codes that are nearest to it."""
    context = v.mean(0) - t.mean(0)
    book = w["masra.codebook.codes"]
    distances = torch.stack([((context - code) ** 2).sum() for code in book]).detach()
    order = distances.argsort()
    # No rounding decides which are nearest.
    assert float(distances[order[dummies]] - distances[order[dummies - 1]]) > 1e-3
    return context, order[:dummies], book[order[:dummies]]


def temporal_context(w, v):
    n = len(v)
    return encode(w, "masra.context", v, sine(torch.arange(1, n + 1) / n, d))


def enhance(w, seen, context):
    """MASRA's semantic-guided enhancement."""
    at = "masra.guided_enhancement"
    first = multi_head(w, f"{at}.attention1", context, context, seen)
    second = multi_head(w, f"{at}.attention2", first, context, context)
    return norm(w, f"{at}.norm", seen + second)


def cosines(x):
    return torch.stack([torch.stack([F.cosine_similarity(a, b, dim=0) for b in x]) for a in x])


def relate(w, seen):
    """MASRA's second-order relational attention."""
    at = "masra.second_order"
    s = cosines(seen)
    conv = lambda name, x: F.conv2d(x, w[f"{at}.{name}.weight"], w[f"{at}.{name}.bias"], padding=1)
    second = conv("conv2", F.gelu(conv("conv1", s[None, None])))[0, 0]
    return norm(w, f"{at}.norm", seen + (s + second).softmax(1) @ mlp(w, f"{at}.mlp", seen))


def look(w, kind, v, t, dummy):
    """Memory, its positions, saliency, attention and clips before relations of one video with one text."""
    n = len(v)
    positions = sine(torch.arange(1, n + 1) / n, d)
    if kind == "joint":
        x = torch.cat([v, t])
        places = torch.cat([positions, torch.zeros_like(t)])
        memory = encode(w, "transformer.encoder", x, places)
        return memory, places, affine(w, "saliency_proj", memory[:n])[:, 0], None, None
    attention = None
    if kind == "cross":
        seen = v
        for i in range(t2v_layers):
            at = f"transformer.t2v_encoder.layers.{i}"
            seen = after_attention(w, at, seen, multi_head(w, f"{at}.self_attn", seen + positions, t, t))
        token, place = w["global_rep_token"][None], w["global_rep_pos"][None]
    else:
        seen, found = v, []
        keys = torch.cat([dummy + w["dummy_rep_pos"] if kind == "adaptive" else dummy, t])
        for i in range(t2v_layers):
            at = f"transformer.t2v_encoder.layers.{i}"
            p = probabilities(seen + positions, keys)
            found.append(p.mean(0))
            # Dummies take probability and give nothing.
            seen = after_attention(w, at, seen, gather(w, f"{at}.self_attn", p[:, :, dummies:], t))
        attention = sum(found) / len(found)
        average = v.mean(0).detach()
        mass = attention[:, dummies:].sum(1).detach()
        cosines = F.normalize(v - average, dim=1) @ F.normalize(w["global_rep_token"], dim=1).T
        weights = (cosines.softmax(1) * (mass / mass.sum())[:, None]).sum(0)
        top, at = weights.topk(kept)
        token = (top @ w["global_rep_token"][at] + average)[None]
        for i in range(t2v_layers):
            at = f"transformer.t2v_encoder.layers.{i}"
            # There is nothing to attend to but the bias.
            nothing = w[f"{at}.self_attn.out_proj.bias"][None]
            token = after_attention(w, at, token, nothing)
        place = w["global_rep_pos"]
    features = enhance(w, seen, temporal_context(w, v)) if kind == "masra" else seen
    related = relate(w, features) if kind == "masra" else features
    x = encode(w, "transformer.encoder", torch.cat([token, related]), torch.cat([place, positions]))
    token, memory = x[:1], x[1:]
    if kind in guided:
        memory = memory + token
    agreement = affine(w, "saliency_proj1", memory) * affine(w, "saliency_proj2", token)
    return memory, positions, agreement.sum(1) / math.sqrt(d), attention, features


def inverse_sigmoid(x):
    return torch.log(x.clamp(min=1e-3) / (1 - x).clamp(min=1e-3))


def decode(w, kind, memory, positions):
    """Logits and spans of each layer."""
    final = lambda x: norm(w, "transformer.decoder.norm", x)
    x = torch.zeros(queries, d)
    found = []
    if kind == "joint":
        place = w["query_embed.weight"]
        for i in range(decoder_layers):
            at = f"transformer.decoder.layers.{i}"
            x = norm(w, f"{at}.norm1", x + multi_head(w, f"{at}.self_attn", x + place, x + place, x))
            cross = multi_head(w, f"{at}.multihead_attn", x + place, memory + positions, memory)
            x = norm(w, f"{at}.norm2", x + cross)
            x = norm(w, f"{at}.norm3", x + feed(w, at, x))
            found.append((affine(w, "class_embed", final(x)), torch.sigmoid(mlp(w, "span_embed", final(x)))))
        return found
    reference = torch.sigmoid(w["query_embed.weight"])
    begun = reference
    for i in range(decoder_layers):
        at = f"transformer.decoder.layers.{i}"
        own = "transformer.decoder"
        project = lambda name, y: affine(w, f"{at}.{name}_proj", y)
        wave = torch.cat([sine(reference[:, 0], d // 2), sine(reference[:, 1], d // 2)], 1)
        place = mlp(w, f"{own}.ref_point_head", wave)
        scale = mlp(w, f"{own}.query_scale", x) if i > 0 else 1
        sharp = torch.sigmoid(mlp(w, f"{own}.ref_anchor_head", x)) / reference[:, 1:]
        q = project("sa_qcontent", x) + project("sa_qpos", place)
        k = project("sa_kcontent", x) + project("sa_kpos", place)
        x = x + gather(w, f"{at}.self_attn", probabilities(q, k), project("sa_v", x))
        x = norm(w, f"{at}.norm1", x)
        q, k, k_place = project("ca_qcontent", x), project("ca_kcontent", memory), project("ca_kpos", positions)
        if i == 0:
            q, k = q + project("ca_qpos", place), k + k_place
        join = lambda a, b: torch.cat(
            [part for h in range(heads) for part in (a.chunk(heads, 1)[h], b.chunk(heads, 1)[h])], 1
        )
        q, k = join(q, project("ca_qpos_sine", wave * scale * sharp)), join(k, k_place)
        x = x + gather(w, f"{at}.cross_attn", probabilities(q, k), project("ca_v", memory))
        x = norm(w, f"{at}.norm2", x)
        x = norm(w, f"{at}.norm3", x + feed(w, at, x))
        spans = torch.sigmoid(mlp(w, "span_embed", final(x)) + inverse_sigmoid(begun))
        found.append((affine(w, "class_embed", final(x)), spans))
        begun = torch.sigmoid(mlp(w, f"{own}.bbox_embed", x) + inverse_sigmoid(reference))
        reference = begun.detach()
    return found


def align(w, v, t, dummy, chosen):
    n = len(v)
    positions = sine(torch.arange(1, n + 1) / n, d)

    def token(name, encoder, members, places):
        x = encode(
            w,
            encoder,
            torch.cat([w[f"{name}_token"][None], members]),
            torch.cat([w[f"{name}_pos"][None], places]),
        )
        return x[0], x[1:]

    of = [c for c in range(n) if chosen[c]]
    rest = [c for c in range(n) if not chosen[c]]
    moment, moment_clips = token("moment_rep", "transformer.mcls_encoder", v[of], positions[of])
    other, other_clips = token("moment_rep", "transformer.mcls_encoder", v[rest], positions[rest])
    sentence, known = token("sent_rep", "scls_encoder", t, torch.zeros_like(t))
    places = w.get("dummy_rep_pos", torch.zeros_like(dummy))
    unrelated, unknown = token("sent_rep", "scls_encoder", dummy, places)
    seen = [None] * n
    for c, row in list(zip(of, moment_clips)) + list(zip(rest, other_clips)):
        seen[c] = row
    seen = torch.stack(seen)
    return moment, other, sentence, unrelated, seen, seen @ torch.cat([unknown, known]).T


def giou(a, b):
    (s, e), (t, f) = ((x[0] - x[1] / 2, x[0] + x[1] / 2) for x in (a, b))
    overlap = torch.clamp(torch.minimum(e, f) - torch.maximum(s, t), min=0)
    union = a[1] + b[1] - overlap
    hull = torch.maximum(e, f) - torch.minimum(s, t)
    return overlap / union - (hull - union) / hull


def match(logits, spans, wanted):
    """The query of each moment, by trying every way."""
    p = logits.softmax(1)[:, 0]
    cost = lambda q, m: 10 * (spans[q] - m).abs().sum() - giou(spans[q], m) - 4 * p[q]
    ways = itertools.permutations(range(queries), len(wanted))
    return min(ways, key=lambda way: float(sum(cost(q, m) for q, m in zip(way, wanted))))


def span_losses(decoded):
    l1, iou, label = 0, 0, 0
    for layer in range(decoder_layers):
        distances, overlaps, entropies = [], [], []
        for b in range(batch):
            logits, spans = decoded[b][layer]
            wanted = torch.tensor(moments_of[b])
            way = match(logits.detach(), spans.detach(), wanted)
            for q, m in zip(way, wanted):
                distances += [(spans[q] - m).abs()]
                overlaps += [1 - giou(spans[q], m)]
            for q in range(queries):
                logs = logits[q].log_softmax(0)
                entropies += [-logs[0] if q in way else -0.1 * logs[1]]
        l1 = l1 + torch.cat(distances).mean()
        iou = iou + torch.stack(overlaps).mean()
        label = label + torch.stack(entropies).mean()
    return {"l1": 10 * l1, "iou": iou, "label": 4 * label}


def pair_loss(scores):
    parts = []
    for b in range(batch):
        for high, low in zip(higher[b], lower[b]):
            if high < clips and low < clips:
                parts.append(2 * torch.clamp(margin + scores[b][low] - scores[b][high], min=0))
    return torch.stack(parts).mean()


def contrast(scores, negatives):
    groups = {0: [], 1: []}
    for b in range(batch):
        all_scores = torch.cat([scores[b], negatives[b]]) if other_video[b] else scores[b]
        logs = (all_scores / 0.5).log_softmax(0)
        loss = 0
        for rank in range(1, 12):
            reached = [c for c in range(lengths[b]) if levels[b][c] >= rank]
            if reached:
                loss = loss - torch.stack([logs[c] for c in reached]).mean()
        groups[other_video[b]].append(loss / 12)
    return sum(torch.stack(group).mean() for group in groups.values())


def unrelated(losses):
    return torch.stack([losses[b].sum() for b in range(batch) if other_video[b]]).mean()


def alignment_losses(aligned, attention):
    unit = lambda k: F.normalize(torch.stack([one[k] for one in aligned]), dim=1)
    moment, other, sentence, dummy = (unit(k) for k in range(4))
    logs = torch.cat([moment @ sentence.T, other @ sentence.T], 1).log_softmax(1)
    own = -torch.stack([logs[b, b] for b in range(batch)]).mean()
    logs = torch.cat([moment @ dummy.T, other @ dummy.T], 1).log_softmax(1)
    # All are right but a moment's own dummies.
    right = [[k for k in range(2 * batch) if k != b] for b in range(batch)]
    others = -torch.stack([logs[b, right[b]].mean() for b in range(batch)]).mean()
    entropies, divergences = [], []
    for b, (vector, _, _, _, seen, similarity) in enumerate(aligned):
        for c in range(lengths[b]):
            y = torch.tensor(float(inside[b][c]))
            entropies.append(F.binary_cross_entropy_with_logits(vector @ seen[c], y))
            if inside[b][c]:
                target = similarity[c].softmax(0).detach()
                given = torch.log(attention[b][c] + 1e-6)
                divergences.append((target * (torch.log(target) - given)).mean())
    return {
        "alignment": own + others,
        "members": torch.stack(entropies).mean(),
        "distillation": torch.stack(divergences).mean(),
    }


def apart(x):
    n = F.normalize(x, dim=-1)
    cosines = n @ n.detach().T
    return (cosines - torch.diag(torch.diag(cosines))).abs().mean()


def masra_losses(w, retrieved, vs, features):
    parts = []
    for context, _, tokens in retrieved:
        average = tokens.mean(0)
        pull = ((context.detach() - average) ** 2).mean()
        parts.append(pull + 0.25 * ((context - average.detach()) ** 2).mean())
    semantic = []
    for b, v in enumerate(vs):
        described = temporal_context(w, v) @ w["masra.semantic_alignment.weight"].T
        for i, members in enumerate(event_clips[b]):
            pooled = torch.stack([described[c] for c in members]).mean(0)
            semantic.append(1 - F.cosine_similarity(pooled, events[b][i], dim=0))
    relation = []
    for b, own in enumerate(captioned):
        if own:
            relation.append(((cosines(features[b][own]) - cosines(captions[b][own])) ** 2).mean())
    return {
        "codebook": 0.25 * torch.stack(parts).mean(),
        "semanticAlignment": torch.stack(semantic).mean(),
        "relationAlignment": torch.stack(relation).mean(),
    }


def run(w, kind):
    """All outputs, by names, and the losses, with their factors."""
    vs = [project(w, "vid", video[b, : lengths[b]], kind) for b in range(batch)]
    ts = [project(w, "txt", text[b, : told[b]], kind) for b in range(batch)]
    dummy = [refine(w, t) for t in ts] if kind == "adaptive" else [None] * batch
    if kind == "masra":
        retrieved = [retrieve(w, v, t) for v, t in zip(vs, ts)]
        dummy = [tokens for _, _, tokens in retrieved]
    looked = [look(w, kind, vs[b], ts[b], dummy[b]) for b in range(batch)]
    decoded = [decode(w, kind, memory, positions) for memory, positions, _, _, _ in looked]
    saliency = [one[2] for one in looked]
    losses = {**span_losses(decoded), "pairs": pair_loss(saliency)}
    outputs = {
        "logits": torch.stack([torch.stack([layer[0] for layer in one]) for one in decoded], 1),
        "spans": torch.stack([torch.stack([layer[1] for layer in one]) for one in decoded], 1),
    }
    rows = {"saliency": saliency}
    if kind != "joint":
        following = [(b + 1) % batch for b in range(batch)]
        # Codes are retrieved for the video with the other text.
        of_next = [
            retrieve(w, vs[b], ts[i])[2] if kind == "masra" else dummy[i] for b, i in enumerate(following)
        ]
        others = [look(w, kind, vs[b], ts[i], of_next[b]) for b, i in enumerate(following)]
        negatives = [one[2] for one in others]
        rows["negatives"] = negatives
        losses["contrast"] = contrast(saliency, negatives)
        losses["negatives"] = unrelated([F.softplus(x) for x in negatives])
    if kind in guided:
        attention = [one[3] for one in looked]
        mass = [p[:, dummies:].sum(1) for p in attention]
        against = [one[3][:, dummies:].sum(1) for one in others]
        rows["weights"] = attention
        losses["attention.pairs"] = pair_loss(mass)
        losses["attention.contrast"] = contrast(mass, against)
        losses["attention.negatives"] = unrelated([-torch.log(1 - x) for x in against])
        entropies = [
            F.binary_cross_entropy(mass[b][c], torch.tensor(float(levels[b][c] > 0)))
            for b in range(batch)
            for c in range(lengths[b])
        ]
        losses["attention.entropy"] = torch.stack(entropies).mean()
        aligned = [align(w, vs[b], ts[b], dummy[b], inside[b]) for b in range(batch)]
        losses |= alignment_losses(aligned, attention)
        losses["orthogonality"] = torch.stack([apart(x) for x in dummy]).mean() + apart(w["global_rep_token"])
    if kind == "masra":
        rows["features"] = [one[4] for one in looked]
        losses |= masra_losses(w, retrieved, vs, rows["features"])
        outputs["ids"] = torch.stack([ids for _, ids, _ in retrieved])
        outputs["context"] = torch.stack([context for context, _, _ in retrieved])
    padded = lambda x: F.pad(x, (0, 0) * (x.dim() - 1) + (0, clips - len(x)))
    for name, found in rows.items():
        if name == "weights":
            found = [F.pad(x, (0, dummies + words - x.shape[1])) for x in found]
        outputs[name] = torch.stack([padded(x) for x in found])
    return outputs, losses


tensors = {"input/video": video, "input/text": text}
sized = lambda counts, size: torch.tensor([[int(i < n) for i in range(size)] for n in counts])
most = max(len(each) for each in moments_of)
tensors["input/videoMask"], tensors["input/textMask"] = sized(lengths, clips), sized(told, words)
tensors["input/spans"] = torch.tensor([each + [(0.0, 0.0)] * (most - len(each)) for each in moments_of])
tensors["input/spanCounts"] = torch.tensor([len(each) for each in moments_of])
tensors["input/moments"] = torch.tensor(inside)
tensors["input/levels"] = torch.tensor(levels).double()
tensors["input/higher"], tensors["input/lower"] = torch.tensor(higher), torch.tensor(lower)
tensors["input/otherVideo"] = torch.tensor(other_video).double()
tensors["input/events"], tensors["input/captions"] = events, captions
tensors["input/captionMask"] = torch.tensor([[int(c in own) for c in range(clips)] for own in captioned])
tensors["input/eventClips"] = torch.tensor(
    [
        [[int(i < len(own) and c in own[i]) for c in range(clips)] for i in range(events.shape[1])]
        for own in event_clips
    ]
)
for kind in ("adaptive", "cross", "joint", "masra"):
    w = draw(kind)
    at = {name: value.clone().requires_grad_() for name, value in w.items()}
    outputs, losses = run(at, kind)
    sum(losses.values()).backward()
    for name, value in outputs.items():
        tensors[f"{kind}/expected/{name}"] = value
    for name, value in losses.items():
        tensors[f"{kind}/loss/{name}"] = value.reshape(1)
    for name, value in at.items():
        tensors[f"{kind}/weight/{name}"] = value
        # What only moments of later layers would use gets none: the last layer's change of the spans.
        tensors[f"{kind}/gradient/{name}"] = torch.zeros_like(value) if value.grad is None else value.grad

shared = dict(
    **dict(width=d, heads=heads, intermediate=inner),
    **dict(projectionLayers=2, inputDropout=0.5, dropout=0.1, encoderLayers=encoder_layers),
)
adaptive = dict(kind="adaptive", layers=t2v_layers, dummies=dummies, dummyLayers=dummy_layers)
adaptive |= dict(prompts=prompts, keptPrompts=kept, sentenceLayers=1, momentLayers=1)
spans = dict(kind="spans", layers=decoder_layers, queries=queries)
masra = dict(contextLayers=context_layers, semanticAlignment=dict(channels=event_channels))
masra |= dict(guidedEnhancement=True, secondOrder=dict(channels=map_channels))
configs = dict(
    masra=dict(
        **dict(**shared, dropPath=True, activation="prelu", tokenTypes=True, decoder=spans, masra=masra),
        interaction={**adaptive, "dummyLayers": 0, "codes": codes},
    ),
    adaptive=dict(
        **shared, dropPath=True, activation="prelu", tokenTypes=True, interaction=adaptive, decoder=spans
    ),
    cross=dict(
        **dict(**shared, dropPath=False, activation="prelu", tokenTypes=False, decoder=spans),
        interaction=dict(kind="cross", layers=t2v_layers),
    ),
    joint=dict(
        **dict(**shared, dropPath=False, activation="relu", tokenTypes=False),
        interaction=dict(kind="joint"),
        decoder=dict(kind="vectors", layers=decoder_layers, queries=queries),
    ),
)
header, data = {"__metadata__": {"configs": json.dumps(configs), "sizes": json.dumps(dict(video=channels, text=text_channels))}}, b""
for name, value in tensors.items():
    whole = not value.is_floating_point()
    part = value.detach().to(torch.int32 if whole else torch.float32).contiguous().numpy().tobytes()
    offsets = [len(data), len(data) + len(part)]
    header[name] = {"dtype": "I32" if whole else "F32", "shape": list(value.shape), "data_offsets": offsets}
    data += part
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).parent / "golden" / "cg-detr.safetensors"
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(f"{path}: {len(tensors)} tensors, {path.stat().st_size} bytes")
