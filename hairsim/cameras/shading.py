# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""Colour of what a view sees: hair by its fibres' three lobes, skin by wrapped diffuse light.

A hair fibre reflects at its surface (R, towards the root, white), lets light through (TT) and
reflects it inside (TRT, towards the tip, in the hair's own colour) [Marschner2003]; we use the closed
forms of [Karis2016] for the lobes and for the light that bounces between hairs.
"""

from __future__ import annotations

import numpy as np
import warp as wp

from hairsim.cameras.fine_strands import strand_hash
from hairsim.cameras.head_view import BACKGROUND, TOOL, SolidView
from hairsim.cameras.light_grid import LightGrid, sample_light
from hairsim.cameras.look import HairLook
from hairsim.cameras.rasterise import EMPTY_KEY, HairView, key_depth, key_edge
from hairsim.cameras.view import View, view_ray

FADE_FROM = -0.17
FADE_TO = -0.27
"""Heights between which a portrait's neck fades into the wall [m], as in a photographer's vignette."""

CUTICLE_SHIFT = 0.035
"""Tilt of the cuticle's scales [rad]: moves the two highlights apart."""

TOOL_COLOUR = wp.constant(wp.vec3(0.035, 0.040, 0.050))


@wp.struct
class Paint:
    """`HairLook` as kernels see it, and where the light grid lies."""

    hair: wp.vec3
    jitter: wp.float32
    root_shade: wp.float32
    tip_shade: wp.float32
    roughness: wp.float32
    highlight: wp.float32
    crease: wp.float32
    scatter: wp.float32
    scatter_power: wp.float32
    skin: wp.vec3
    backdrop: wp.vec3
    lights: wp.mat33
    light_colours: wp.mat33
    ambient: wp.vec3
    light_origin: wp.vec3
    light_scale: wp.float32
    crease_reach: wp.int32
    fade_neck: wp.int32


def make_paint(look: HairLook, light: LightGrid, view: View, fade_neck: bool) -> Paint:
    """Gather a look, a light grid and a view's scale into a `Paint`."""
    paint = Paint()
    for name, value in (
        ("hair", look.hair_colour),
        ("skin", look.skin),
        ("backdrop", look.backdrop),
        ("ambient", look.ambient),
        ("light_origin", light.origin),
    ):
        setattr(paint, name, wp.vec3(*(float(x) for x in value)))
    for name in (
        "jitter",
        "root_shade",
        "tip_shade",
        "roughness",
        "highlight",
        "crease",
        "scatter",
        "scatter_power",
    ):
        setattr(paint, name, float(getattr(look, name)))
    paint.lights = wp.mat33(*(float(x) for x in look.unit_lights.ravel()))
    paint.light_colours = wp.mat33(*(float(x) for x in np.ravel(look.light_colours)))
    paint.light_scale = 1.0 / light.voxel
    # About 2.5 mm at 0.75 m: the width of a thin lock.
    paint.crease_reach = max(1, round(0.0025 * view.focal / 0.75))
    paint.fade_neck = int(fade_neck)
    return paint


def shade(
    hair: HairView,
    solid: SolidView,
    light: LightGrid,
    look: HairLook,
    view: View,
    *,
    fade_neck: bool = False,
    device: str,
) -> wp.array:
    """Return linear colour [height, width] vec3 of every sample of a view.

    With `fade_neck` the neck dissolves into the wall below the chin, as in a bust portrait.
    """
    colour = wp.empty((view.height, view.width), dtype=wp.vec3, device=device)
    wp.launch(
        shade_sample,
        dim=colour.shape,
        inputs=[
            hair.key,
            hair.strands.vertices,
            solid.depth,
            solid.normal,
            solid.label,
            light.values,
            view,
            make_paint(look, light, view, fade_neck),
        ],
        outputs=[colour],
        device=device,
    )
    return colour


@wp.func
def lobe(width: wp.float32, angle: wp.float32):
    """Return a Gaussian lobe of a width at an angle; zero beyond four widths."""
    scaled = angle * angle / (width * width)
    value = float(0.0)
    if scaled < 16.0:
        value = wp.exp(-0.5 * scaled) / (2.5066283 * width)
    return value


@wp.func
def fresnel(cosine: wp.float32):
    """Return Schlick's reflectance of keratin, index 1.55."""
    away = 1.0 - wp.clamp(cosine, 0.0, 1.0)
    square = away * away
    return 0.0465 + 0.9535 * square * square * away


@wp.func
def power(log_colour: wp.vec3, exponent: wp.float32):
    """Return a colour, given its logarithm, to a power: light after a longer way through the fibre."""
    return wp.vec3(
        wp.exp(exponent * log_colour[0]), wp.exp(exponent * log_colour[1]), wp.exp(exponent * log_colour[2])
    )


@wp.func
def fibre_light(
    tangent: wp.vec3,
    to_light: wp.vec3,
    to_eye: wp.vec3,
    log_colour: wp.vec3,
    scattered: wp.vec3,
    roughness: wp.float32,
    highlight: wp.float32,
):
    """Return the part of a light that a fibre sends to the eye: R + TT + TRT + light between hairs.

    Lobes that are next to nothing are left out: most are, at most samples.
    """
    sin_light = wp.clamp(wp.dot(tangent, to_light), -1.0, 1.0)
    sin_eye = wp.clamp(wp.dot(tangent, to_eye), -1.0, 1.0)
    cos_light = wp.sqrt(1.0 - sin_light * sin_light)
    cos_eye = wp.sqrt(1.0 - sin_eye * sin_eye)
    # cos of half the difference of the two inclinations
    cos_d = wp.sqrt(wp.clamp(0.5 + 0.5 * (cos_light * cos_eye + sin_light * sin_eye), 0.01, 1.0))
    across_light = to_light - sin_light * tangent
    across_eye = to_eye - sin_eye * tangent
    cos_phi = wp.clamp(wp.dot(across_light, across_eye) / (cos_light * cos_eye + 1.0e-3), -1.0, 1.0)
    cos_half_phi = wp.sqrt(0.5 + 0.5 * cos_phi)
    slant = sin_light + sin_eye
    narrow = roughness * roughness
    # R
    facing = wp.sqrt(wp.clamp(0.5 + 0.5 * wp.dot(to_eye, to_light), 0.0, 1.0))
    surface = lobe(1.414 * narrow * wp.max(cos_half_phi, 0.2), slant + 2.0 * CUTICLE_SHIFT)
    surface = surface * 0.25 * cos_half_phi * fresnel(facing)
    lobes = wp.vec3(surface, surface, surface)
    # TT
    if cos_phi < 0.3:
        through = lobe(0.5 * narrow + 0.02, slant - CUTICLE_SHIFT)
        if through > 0.0:
            bend = 1.0 / (1.19 / cos_d + 0.36 * cos_d)
            offset = cos_half_phi * (1.0 + bend * (0.6 - 0.8 * cos_phi))
            entering = 1.0 - fresnel(cos_d * wp.sqrt(wp.clamp(1.0 - offset * offset, 0.0, 1.0)))
            way = 0.5 * wp.sqrt(wp.clamp(1.0 - offset * offset * bend * bend, 0.0, 1.0)) / cos_d
            through = through * entering * entering * wp.exp(-3.65 * cos_phi - 3.98)
            lobes += through * power(log_colour, way)
    # TRT
    if cos_phi > 0.6:
        back = lobe(2.0 * narrow, slant - 4.0 * CUTICLE_SHIFT)
        if back > 0.0:
            inner = 1.0 - fresnel(0.5 * cos_d)
            back = back * inner * inner * (1.0 - inner) * wp.exp(17.0 * cos_phi - 16.78)
            lobes += back * power(log_colour, 0.8 / cos_d)
    # Between hairs: a third as a fibre, the rest as the surface that the hair forms.
    wrapped = 0.25 * (wp.dot(across_eye, to_light) / wp.max(cos_eye, 0.05) + 1.0)
    diffuse = 0.3183 * wp.lerp(wp.clamp(wrapped, 0.0, 1.0), 1.0 - wp.abs(sin_light), 0.33)
    return (2.0 * highlight) * lobes + diffuse * scattered


@wp.func
def crease_light(key: wp.array2d(dtype=wp.uint64), row: wp.int32, column: wp.int32, reach: wp.int32):
    """Return how open a hair sample is, 0..1: closed where hair on opposite sides lies nearer to the eye."""
    depth = key_depth(key[row, column])
    closed = float(0.0)
    for axis in range(4):
        dr = wp.where(axis == 0, 0, 1) * reach
        dc = wp.where(axis == 1, 0, wp.where(axis == 3, -1, 1)) * reach
        r0 = wp.clamp(row - dr, 0, key.shape[0] - 1)
        r1 = wp.clamp(row + dr, 0, key.shape[0] - 1)
        c0 = wp.clamp(column - dc, 0, key.shape[1] - 1)
        c1 = wp.clamp(column + dc, 0, key.shape[1] - 1)
        near = depth
        far = depth
        if key[r0, c0] != wp.uint64(EMPTY_KEY):
            near = key_depth(key[r0, c0])
        if key[r1, c1] != wp.uint64(EMPTY_KEY):
            far = key_depth(key[r1, c1])
        closed += wp.clamp(wp.min(depth - near, depth - far) / 0.006, 0.0, 1.0)
    return 1.0 - 0.25 * closed


@wp.func
def shade_hair(
    key: wp.array2d(dtype=wp.uint64),
    row: wp.int32,
    column: wp.int32,
    ray: wp.vec3,
    vertices: wp.array2d(dtype=wp.vec3),
    light: wp.array3d(dtype=wp.vec4),
    view: View,
    paint: Paint,
):
    """Return the linear colour of a hair sample."""
    own = key[row, column]
    edges = vertices.shape[1] - 1
    number = key_edge(own)
    strand = number // edges
    edge = number - strand * edges
    point = view.position + key_depth(own) * ray
    a = vertices[strand, edge]
    b = vertices[strand, edge + 1]
    span = b - a
    t = wp.clamp(wp.dot(point - a, span) / wp.max(wp.dot(span, span), 1.0e-12), 0.0, 1.0)
    before = a - vertices[strand, wp.max(edge - 1, 0)]
    after = vertices[strand, wp.min(edge + 2, edges)] - b
    tangent = wp.normalize(span + (1.0 - t) * (1.0 - t) * before + t * t * after)
    along = (wp.float32(edge) + t) / wp.float32(edges)

    shadeness = wp.lerp(paint.root_shade, 1.0, wp.clamp(along / 0.35, 0.0, 1.0))
    shadeness = shadeness * wp.lerp(1.0, paint.tip_shade, wp.clamp((along - 0.4) / 0.6, 0.0, 1.0))
    # Two hairs of one head differ in brightness, and a little in warmth.
    brightness = shadeness * wp.exp(paint.jitter * (2.0 * strand_hash(strand, 11) - 1.0))
    warmth = 0.25 * paint.jitter * (2.0 * strand_hash(strand, 12) - 1.0)
    colour = wp.cw_mul(paint.hair, wp.vec3(1.0 + warmth, 1.0, 1.0 - warmth)) * brightness
    colour = wp.min(wp.max(colour, wp.vec3(0.002, 0.002, 0.002)), wp.vec3(0.95, 0.95, 0.95))
    roughness = paint.roughness * (1.0 + 0.5 * paint.jitter * (2.0 * strand_hash(strand, 13) - 1.0))
    # A hair is never quite straight: highlights break up along it.
    tangent = wp.normalize(
        tangent
        + 0.05
        * wp.vec3(strand_hash(strand, 14) - 0.5, strand_hash(strand, 15) - 0.5, strand_hash(strand, 16) - 0.5)
    )

    arriving = sample_light(light, paint.light_origin, paint.light_scale, point)
    open_part = wp.lerp(1.0, crease_light(key, row, column, paint.crease_reach), paint.crease)
    to_eye = -wp.normalize(ray)
    log_colour = wp.vec3(wp.log(colour[0]), wp.log(colour[1]), wp.log(colour[2]))
    # Light that has come far through hair is more deeply coloured.
    mean_lit = (arriving[0] + arriving[1] + arriving[2]) / 3.0
    scattered = paint.scatter * power(log_colour, paint.scatter_power * (1.3 - 0.3 * mean_lit))
    total = wp.cw_mul(paint.ambient, scattered) * (arriving[3] * open_part)
    for light_number in range(3):
        lit = arriving[light_number]
        if lit > 0.01:
            answer = fibre_light(
                tangent, paint.lights[light_number], to_eye, log_colour, scattered, roughness, paint.highlight
            )
            total += wp.cw_mul(answer, paint.light_colours[light_number]) * (3.1416 * lit * open_part)
    return total


@wp.func
def shade_solid(
    base: wp.vec3,
    gloss: wp.float32,
    wrap: wp.float32,
    point: wp.vec3,
    normal: wp.vec3,
    to_eye: wp.vec3,
    arriving: wp.vec4,
    paint: Paint,
):
    """Return the linear colour of skin or tool: wrapped diffuse light and one highlight a light."""
    rim = 1.0 - wp.clamp(wp.dot(normal, to_eye), 0.0, 1.0)
    sky = 0.7 + 0.3 * normal[2]
    total = wp.cw_mul(paint.ambient, base) * (arriving[3] * sky)
    for number in range(3):
        to_light = paint.lights[number]
        facing = wp.dot(normal, to_light)
        diffuse = wp.clamp((facing + wrap) / (1.0 + wrap), 0.0, 1.0)
        # Red light travels furthest under the skin.
        edge = wrap * 0.35 * (1.0 - diffuse) * diffuse
        spread = wp.vec3(diffuse + edge, diffuse, diffuse - 0.4 * edge) * 0.32
        half = wp.normalize(to_light + to_eye)
        glint = wp.clamp(wp.dot(normal, half), 0.0, 1.0)
        for _ in range(5):
            glint = glint * glint
        shine = gloss * glint * (0.3 + rim)
        light = paint.light_colours[number] * arriving[number]
        total += wp.cw_mul(light, wp.cw_mul(base, spread) + wp.vec3(shine, shine, shine))
    return total


@wp.func
def wall_light(view: View, paint: Paint, row: wp.int32, column: wp.int32):
    """Return the linear colour of the studio wall: a soft glow behind the head."""
    x = (wp.float32(column) - view.centre_x) / wp.float32(view.width)
    y = (wp.float32(row) - view.centre_y) / wp.float32(view.height)
    spread = 1.0 + 1.7 * (x * x + (y + 0.05) * (y + 0.05))
    return paint.backdrop * (0.55 + 0.65 / (spread * spread))


@wp.kernel(enable_backward=False)
def shade_sample(
    key: wp.array2d(dtype=wp.uint64),
    vertices: wp.array2d(dtype=wp.vec3),
    solid_depth: wp.array2d(dtype=wp.float32),
    solid_normal: wp.array2d(dtype=wp.vec3),
    solid_label: wp.array2d(dtype=wp.int32),
    light: wp.array3d(dtype=wp.vec4),
    view: View,
    paint: Paint,
    # out
    colour_out: wp.array2d(dtype=wp.vec3),
):
    """Colour one sample: hair in front of skin or tool in front of the studio wall."""
    row, column = wp.tid()
    ray = view_ray(view, wp.float32(column), wp.float32(row))
    colour = wp.vec3(0.0, 0.0, 0.0)
    if key[row, column] != wp.uint64(EMPTY_KEY):
        colour = shade_hair(key, row, column, ray, vertices, light, view, paint)
    elif solid_label[row, column] != BACKGROUND:
        point = view.position + solid_depth[row, column] * ray
        normal = solid_normal[row, column]
        arriving = sample_light(light, paint.light_origin, paint.light_scale, point + 0.004 * normal)
        to_eye = -wp.normalize(ray)
        if solid_label[row, column] == TOOL:
            arriving = wp.vec4(1.0, 1.0, 1.0, 1.0)
            colour = shade_solid(TOOL_COLOUR, 0.35, 0.0, point, normal, to_eye, arriving, paint)
        else:
            colour = shade_solid(paint.skin, 0.10, 0.35, point, normal, to_eye, arriving, paint)
            if paint.fade_neck != 0:
                keep = wp.smoothstep(FADE_TO, FADE_FROM, point[2])
                colour = wp.lerp(wall_light(view, paint, row, column), colour, keep)
    else:
        colour = wall_light(view, paint, row, column)
    colour_out[row, column] = colour
