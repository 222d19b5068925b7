package pipeline

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"alexnet/internal/cputime"
)

// TestOrderPinned holds the orders fixed: a run that is resumed with a later
// build must go on with the same one.
func TestOrderPinned(t *testing.T) {
	for _, c := range []struct {
		seed, epoch uint64
		n           int
		want        []uint32
	}{
		{0, 0, 0, []uint32{}},
		{0, 0, 1, []uint32{0}},
		{0, 0, 8, []uint32{3, 4, 1, 0, 6, 7, 2, 5}},
		{0, 1, 8, []uint32{0, 3, 4, 5, 1, 6, 7, 2}},
		{1, 0, 8, []uint32{0, 5, 1, 7, 6, 4, 2, 3}},
	} {
		if got := Order(c.seed, c.epoch, c.n); !slices.Equal(got, c.want) {
			t.Errorf("Order(%d, %d, %d) = %v, want %v", c.seed, c.epoch, c.n, got, c.want)
		}
	}
}

func TestOrderIsPermutation(t *testing.T) {
	for _, n := range []int{2, 3, 10, 1000, 65537} {
		order := Order(7, 3, n)
		slices.Sort(order)
		for i, v := range order {
			if v != uint32(i) {
				t.Fatalf("n = %d: %d is missing or there twice", n, i)
			}
		}
	}
}

// TestOrderUniform counts all 120 orders of five samples over many epochs: a χ²
// test with 119 degrees of freedom.
func TestOrderUniform(t *testing.T) {
	const per = 500
	count := map[[5]uint32]int{}
	for epoch := range uint64(120 * per) {
		count[[5]uint32(Order(1, epoch, 5))]++
	}
	if len(count) != 120 {
		t.Errorf("%d different orders, want 120", len(count))
	}
	chi := 0.0
	for _, c := range count {
		chi += float64((c-per)*(c-per)) / per
	}
	// Wilson and Hilferty's quantile at 4.75 standard deviations (one in a million).
	a := 2.0 / (9 * 119)
	if limit := 119 * math.Pow(1-a+4.75*math.Sqrt(a), 3); chi > limit {
		t.Errorf("χ² = %.0f > %.0f", chi, limit)
	}
}

// BenchmarkOrder makes an order of ImageNet's size.
func BenchmarkOrder(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Order(1, 2, 1_281_167)
	}
}

// TestOrderCost holds the cost of an order of ImageNet's size to what was
// promised: 200 ms and 16 MB, in either mode. Processor time, since the machine may be
// busy with other work.
func TestOrderCost(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector takes its time")
	}
	const n = 1_281_167
	var first []int // shards as large as 64 MiB of lossless pictures
	for i := 0; i < n; i += 670 {
		first = append(first, i)
	}
	first = append(first, n)
	for name, order := range map[string]func(epoch uint64) []uint32{
		"global": func(epoch uint64) []uint32 { return Order(1, epoch, n) },
		"shards": func(epoch uint64) []uint32 { return ShardOrder(1, epoch, first, 8192) },
	} {
		best, most := time.Hour, uint64(0) // the best of five
		for epoch := range uint64(5) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			used := cputime.Used()
			order(epoch)
			best = min(best, cputime.Used()-used)
			runtime.ReadMemStats(&after)
			most = max(most, after.TotalAlloc-before.TotalAlloc)
		}
		t.Logf("%s: %v, %d bytes", name, best, most)
		if best > 200*time.Millisecond || most > 16e6 {
			t.Errorf("%s: %v and %d bytes, want at most 200 ms and 16 MB", name, best, most)
		}
	}
}

// TestShardOrderPinned holds the orders fixed, as TestOrderPinned does.
func TestShardOrderPinned(t *testing.T) {
	first := []int{0, 3, 4, 9} // 0 1 2 | 3 | 4 5 6 7 8
	for _, c := range []struct {
		epoch  uint64
		window int
		want   []uint32
	}{
		{0, 4, []uint32{2, 1, 3, 0, 6, 5, 4, 7, 8}},
		{1, 4, []uint32{2, 3, 0, 1, 4, 5, 7, 6, 8}},
		{0, 1, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{2, 1, []uint32{4, 5, 6, 7, 8, 3, 0, 1, 2}},
	} {
		if got := ShardOrder(1, c.epoch, first, c.window); !slices.Equal(got, c.want) {
			t.Errorf("ShardOrder(1, %d, %v, %d) = %v, want %v", c.epoch, first, c.window, got, c.want)
		}
	}
}

// TestShardOrderWindows checks, with windows smaller and larger than shards,
// that an order holds every sample once, that its windows are those of the
// shuffled shards, and that it is not the shards' own order.
func TestShardOrderWindows(t *testing.T) {
	var first []int
	for shard := range 41 { // 40 shards of 10 to 19 samples
		first = append(first, shard*10+shard*shard%10*min(shard, 1))
	}
	slices.Sort(first)
	n := first[40]
	for _, window := range []int{1, 7, 100, n, 10 * n} {
		order := ShardOrder(3, 5, first, window)
		unshuffled := ShardOrder(3, 5, first, 1)
		if window > 1 && slices.Equal(order, unshuffled) {
			t.Errorf("window %d: not shuffled", window)
		}
		for at := 0; at < n; at += window {
			end := min(at+window, n)
			got, want := slices.Clone(order[at:end]), slices.Clone(unshuffled[at:end])
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("window %d: samples %d to %d are %v, want %v in any order", window, at, end, got, want)
			}
		}
		slices.Sort(order)
		for i, v := range order {
			if int(v) != i || len(order) != n {
				t.Fatalf("window %d: sample %d is missing or there twice", window, i)
			}
		}
	}
}

func TestParseShuffle(t *testing.T) {
	for _, s := range []Shuffle{ShuffleDefault, ShuffleGlobal, ShuffleNone, ShuffleShards} {
		if again, err := ParseShuffle(s.String()); err != nil || again != s {
			t.Errorf("%v: %v, %v", s, again, err)
		}
	}
	if _, err := ParseShuffle("random"); err == nil {
		t.Error("no error of an unknown name")
	}
}
