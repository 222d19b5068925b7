// Package synthetic renders a synthetic set of labelled pictures: ten textures
// (bricks, checks, crosses, …) on objects of random outline. With it, the whole way
// from pictures to a trained net can be tried without a download.
//
// Colours, polarity, scale, rotation, shear, position, outline, lighting and
// noise are drawn alike for every class, so neither mean colour nor brightness
// nor position tells a class: only the texture's shape does.
//
// A picture is a pure function of seed, class and index. Textures are evaluated
// in integers, and coordinates are rounded to 1/65536 of a texture cell, so the
// bytes are the same on every machine and for any number of workers.
package synthetic
