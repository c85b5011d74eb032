// Makes chunks.txt with Prometheus's own encoder: chunks of samples that are hard on a reader.
//
//	mkdir /tmp/chunks && cp generate.go /tmp/chunks/main.go && cd /tmp/chunks && go mod init chunks &&
//	go get github.com/prometheus/prometheus/tsdb/chunkenc@v0.314.0 && go run . >chunks.txt
//
// A chunk is `chunk TYPE HEX`, where TYPE is that of remote-read; the samples follow, one a line, as
// `MILLISECONDS BITS`.
package main

import (
	"fmt"
	"math"
	"math/rand"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

type sample struct {
	start, t int64
	v        float64
}

var stale = math.Float64frombits(0x7ff0000000000002)

const zero = 1700000000000

func regular(n int, value func(i int) float64) []sample {
	out := make([]sample, n)
	for i := range out {
		out[i] = sample{0, zero + int64(i)*15000, value(i)}
	}
	return out
}

func cases() [][]sample {
	r := rand.New(rand.NewSource(1))
	walk := 100.0
	random := func(int) float64 { walk += r.NormFloat64(); return walk }
	out := [][]sample{
		{{0, 7200000, 12000}},
		{{0, -5, math.Inf(-1)}, {0, 3, math.Copysign(0, -1)}},
		regular(120, func(int) float64 { return 1 }),
		regular(120, func(i int) float64 { return float64(i * 1500) }),
		regular(120, random),
		regular(30, func(int) float64 { return math.Float64frombits(r.Uint64()) }),
		regular(20, func(i int) float64 { return []float64{1, math.NaN(), stale, 2, math.Inf(1)}[i%5] }),
		regular(5, func(i int) float64 { return []float64{stale, stale, 3, 3, stale}[i] }),
	}
	jitter := regular(120, random)
	for i := range jitter {
		jitter[i].t += int64(r.Intn(7) - 3)
	}
	edges := []sample{{0, 0, 1}}
	for _, bits := range []uint{12, 13, 14, 16, 17, 19, 20, 40} {
		for _, d := range []int64{1<<bits - 1, 1 << bits, 1<<bits + 1, 1 << 41} {
			last := edges[len(edges)-1]
			edges = append(edges, sample{0, last.t + d, last.v + 1})
		}
	}
	return append(out, jitter, edges)
}

// Start timestamps: one for all, one that changes in the middle, one from the second sample on, one that comes
// too late for the header to tell of it.
func starts() [][]sample {
	var out [][]sample
	for _, from := range []int{0, 40, 1, 150} {
		s := regular(200, func(i int) float64 { return float64(i) })
		for i := range s {
			if i >= from {
				s[i].start = zero - 3600000
			}
			if from == 40 && i%7 == 0 {
				s[i].start += int64(i) * 100003
			}
		}
		out = append(out, s)
	}
	out[3][190].v = stale
	return out
}

func write(kind int, chunk chunkenc.Chunk, samples []sample) {
	app, err := chunk.Appender()
	if err != nil {
		panic(err)
	}
	for _, s := range samples {
		app.Append(s.start, s.t, s.v)
	}
	fmt.Printf("chunk %d %x\n", kind, chunk.Bytes())
	for _, s := range samples {
		fmt.Printf("%d %016x\n", s.t, math.Float64bits(s.v))
	}
}

func main() {
	for _, s := range cases() {
		write(1, chunkenc.NewXORChunk(), s)
		write(4, chunkenc.NewXOR2Chunk(), s)
	}
	for _, s := range starts() {
		write(4, chunkenc.NewXOR2Chunk(), s)
	}
}
