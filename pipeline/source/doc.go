// Package source lists and opens labelled pictures wherever they come from: one
// file per layout, all behind the Source interface, chosen by name in an
// explicit table (see Layouts and Open). A source reads directory listings, not
// pictures: whether the bytes of an item are a picture at all is found out by
// package rescale, when the item is decoded.
package source
