// Package tiff reads TIFF structures: the directory of fields that TIFF files and
// EXIF data have in common.
package tiff
