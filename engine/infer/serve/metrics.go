package serve

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// latencyBuckets are upper bounds in seconds.
var latencyBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// metrics counts requests, for Prometheus' text format
// (prometheus.io/docs/instrumenting/exposition_formats).
type metrics struct {
	mu       sync.Mutex
	byStatus map[int]uint64
	buckets  []uint64 // requests up to each bound, not cumulative
	over     uint64   // beyond the last bound
	seconds  float64
}

func newMetrics() *metrics {
	return &metrics{byStatus: map[int]uint64{}, buckets: make([]uint64, len(latencyBuckets))}
}

// count adds a request that was answered.
func (m *metrics) count(status int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byStatus[status]++
	m.seconds += took.Seconds()
	for i, bound := range latencyBuckets {
		if took.Seconds() <= bound {
			m.buckets[i]++
			return
		}
	}
	m.over++
}

// total returns the number of requests answered.
func (m *metrics) total() (n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.byStatus {
		n += k
	}
	return n
}

func metricHead(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func gauge(w io.Writer, name, help string, value int64) {
	metricHead(w, name, "gauge", help)
	fmt.Fprintf(w, "%s %d\n", name, value)
}

func tally(w io.Writer, name, help string, value uint64) {
	metricHead(w, name, "counter", help)
	fmt.Fprintf(w, "%s %d\n", name, value)
}

// write writes all counts of requests.
func (m *metrics) write(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	metricHead(w, "alexnet_requests_total", "counter", "Requests for predictions, by HTTP status.")
	for _, status := range slices.Sorted(maps.Keys(m.byStatus)) {
		fmt.Fprintf(w, "alexnet_requests_total{code=\"%d\"} %d\n", status, m.byStatus[status])
	}
	metricHead(w, "alexnet_request_seconds", "histogram", "Time from a request's arrival to its answer.")
	var n uint64
	for i, bound := range latencyBuckets {
		n += m.buckets[i]
		fmt.Fprintf(w, "alexnet_request_seconds_bucket{le=\"%g\"} %d\n", bound, n)
	}
	n += m.over
	fmt.Fprintf(w, "alexnet_request_seconds_bucket{le=\"+Inf\"} %d\nalexnet_request_seconds_sum %g\nalexnet_request_seconds_count %d\n", n, m.seconds, n)
}
