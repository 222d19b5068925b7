package augment

import (
	"bytes"
	"testing"
)

// picture is size² pixels; pixel (x, y) is (10y+x, 100+10y+x, 200+x).
func picture(size int) []byte {
	var rgb []byte
	for y := range size {
		for x := range size {
			rgb = append(rgb, byte(10*y+x), byte(100+10*y+x), byte(200+x))
		}
	}
	return rgb
}

func TestCopyCrop(t *testing.T) {
	for _, c := range []struct {
		name             string
		size, x, y, crop int
		flip             bool
		want             []byte
	}{
		{"whole 1×1", 1, 0, 0, 1, false, []byte{0, 100, 200}},
		{"whole 1×1 mirrored", 1, 0, 0, 1, true, []byte{0, 100, 200}},
		{"whole 2×2", 2, 0, 0, 2, false, []byte{0, 100, 200, 1, 101, 201, 10, 110, 200, 11, 111, 201}},
		{"whole 2×2 mirrored", 2, 0, 0, 2, true, []byte{1, 101, 201, 0, 100, 200, 11, 111, 201, 10, 110, 200}},
		{"upper left of 3×3", 3, 0, 0, 2, false, []byte{0, 100, 200, 1, 101, 201, 10, 110, 200, 11, 111, 201}},
		{"lower right of 3×3", 3, 1, 1, 2, false, []byte{11, 111, 201, 12, 112, 202, 21, 121, 201, 22, 122, 202}},
		{"right of 3×3 mirrored", 3, 1, 0, 2, true, []byte{2, 102, 202, 1, 101, 201, 12, 112, 202, 11, 111, 201}},
		{"one pixel of 3×3", 3, 2, 1, 1, false, []byte{12, 112, 202}},
		{"whole 3×3 mirrored", 3, 0, 0, 3, true, []byte{
			2, 102, 202, 1, 101, 201, 0, 100, 200,
			12, 112, 202, 11, 111, 201, 10, 110, 200,
			22, 122, 202, 21, 121, 201, 20, 120, 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Guards on both sides show a write outside dst.
			buf := bytes.Repeat([]byte{77}, len(c.want)+16)
			dst := buf[8 : 8+len(c.want)]
			CopyCrop(dst, picture(c.size), c.size, c.x, c.y, c.crop, c.flip)
			if !bytes.Equal(dst, c.want) {
				t.Errorf("got  %v\nwant %v", dst, c.want)
			}
			guard := bytes.Repeat([]byte{77}, 8)
			if !bytes.Equal(buf[:8], guard) || !bytes.Equal(buf[8+len(c.want):], guard) {
				t.Error("bytes outside dst were written")
			}
		})
	}
}

// TestMirrorRow has the rows of the 2×3 pictures and other widths, odd and
// even, against the definition.
func TestMirrorRow(t *testing.T) {
	got := make([]byte, 9)
	MirrorRow(got, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	if want := []byte{7, 8, 9, 4, 5, 6, 1, 2, 3}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, width := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 224, 256, 257, 300, 513} {
		src := make([]byte, 3*width)
		for i := range src {
			src[i] = byte(i + 1)
		}
		want := make([]byte, 3*width)
		for i := range width {
			copy(want[3*i:], src[3*(width-1-i):][:3])
		}
		got := make([]byte, 3*width)
		MirrorRow(got, src)
		if !bytes.Equal(got, want) {
			t.Errorf("width %d: got %v, want %v", width, got, want)
		}
	}
}

func TestCopyCropPanics(t *testing.T) {
	src, dst := picture(3), make([]byte, 12)
	for name, call := range map[string]func(){
		"outside to the right": func() { CopyCrop(dst, src, 3, 2, 0, 2, false) },
		"outside at the top":   func() { CopyCrop(dst, src, 3, 0, -1, 2, false) },
		"short dst":            func() { CopyCrop(dst[:11], src, 3, 0, 0, 2, false) },
		"short src":            func() { CopyCrop(dst, src[:26], 3, 0, 0, 2, false) },
		"no crop":              func() { CopyCrop(nil, src, 3, 0, 0, 0, false) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

// TestRandomViewReachesAll counts the 33²·2 views of the paper over 200 draws
// each; a χ² test says that they are equally likely.
func TestRandomViewReachesAll(t *testing.T) {
	const size, crop, per = 256, 224, 200
	const places = size - crop + 1
	count := map[View]int{}
	for i := range places * places * 2 * per {
		s := NewStream(5, 0, uint64(i))
		v := RandomView(&s, size, crop)
		if v.X < 0 || v.Y < 0 || v.X > size-crop || v.Y > size-crop {
			t.Fatalf("view %+v lies outside", v)
		}
		count[v]++
	}
	if len(count) != places*places*2 {
		t.Errorf("%d different views, want %d", len(count), places*places*2)
	}
	chi := 0.0
	for _, c := range count {
		chi += float64((c-per)*(c-per)) / per
	}
	if limit := chiSquareLimit(places*places*2-1, 4.7534); chi > limit {
		t.Errorf("χ² = %.0f > %.0f", chi, limit)
	}
}

func TestRandomViewWhole(t *testing.T) {
	s := NewStream(0, 0, 0)
	if v := RandomView(&s, 8, 8); v.X != 0 || v.Y != 0 {
		t.Errorf("a crop of the whole picture lies at (%d, %d)", v.X, v.Y)
	}
}

func TestFixedViews(t *testing.T) {
	if v := CentreView(256, 224); v != (View{16, 16, false}) {
		t.Errorf("centre of 256² is %+v", v)
	}
	if v := CentreView(5, 2); v != (View{1, 1, false}) {
		t.Errorf("centre of 5² is %+v", v)
	}
	want := [10]View{
		{0, 0, false}, {32, 0, false}, {0, 32, false}, {32, 32, false}, {16, 16, false},
		{0, 0, true}, {32, 0, true}, {0, 32, true}, {32, 32, true}, {16, 16, true},
	}
	if got := TenViews(256, 224); got != want {
		t.Errorf("ten views %v, want %v", got, want)
	}
}

func BenchmarkCopyCrop(b *testing.B) {
	src, dst := make([]byte, 256*256*3), make([]byte, 224*224*3)
	for name, flip := range map[string]bool{"plain": false, "mirrored": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				CopyCrop(dst, src, 256, 16, 16, 224, flip)
			}
		})
	}
}
