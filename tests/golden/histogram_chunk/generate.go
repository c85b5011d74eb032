// Makes chunks.txt with Prometheus's own encoder: chunks of native histograms, integer, float and of custom buckets.
//
//	mkdir /tmp/chunks && cp generate.go /tmp/chunks/main.go && cd /tmp/chunks && go mod init chunks &&
//	go get github.com/prometheus/prometheus/tsdb/chunkenc@v0.308.0 && go run . >chunks.txt
//
// A chunk is `chunk TYPE HEX`, where TYPE is that of remote-read; the histograms follow as Prometheus's own reader
// finds them there, one a line, as `MILLISECONDS HEX` of a Histogram message of remote-write.
package main

import (
	"fmt"
	"math"
	"math/rand"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

var stale = math.Float64frombits(0x7ff0000000000002)

const zero = 1700000000000

type layout struct {
	schema             int32
	threshold          float64
	positive, negative []histogram.Span
	custom             []float64
}

func buckets(spans []histogram.Span) (n int) {
	for _, s := range spans {
		n += int(s.Length)
	}
	return n
}

// A counter that grows, as counts of buckets.
type counter struct {
	layout
	positive, negative []int64
	zero               uint64
	sum                float64
}

func (c *counter) observe(r *rand.Rand) {
	for i := range c.positive {
		c.positive[i] += int64(r.Intn(1 << (i % 11)))
	}
	for i := range c.negative {
		c.negative[i] += int64(r.Intn(3))
	}
	if c.threshold > 0 {
		c.zero += uint64(r.Intn(2))
	}
	c.sum += r.NormFloat64() * 17
}

func deltas(counts []int64) (out []int64, sum uint64) {
	last := int64(0)
	for _, v := range counts {
		out = append(out, v-last)
		last = v
		sum += uint64(v)
	}
	return out, sum
}

func (c *counter) histogram() *histogram.Histogram {
	p, positive := deltas(c.positive)
	n, negative := deltas(c.negative)
	return &histogram.Histogram{Schema: c.schema, ZeroThreshold: c.threshold, ZeroCount: c.zero, Sum: c.sum,
		Count: positive + negative + c.zero, PositiveSpans: c.layout.positive, NegativeSpans: c.layout.negative,
		PositiveBuckets: p, NegativeBuckets: n, CustomValues: c.custom}
}

func layouts() []layout {
	return []layout{
		{0, 0.001, []histogram.Span{{Offset: 0, Length: 3}}, nil, nil},
		{3, math.Ldexp(0.5, -127), []histogram.Span{{Offset: -7, Length: 4}, {Offset: 300, Length: 9}, {Offset: 0, Length: 1}},
			[]histogram.Span{{Offset: 2, Length: 2}}, nil},
		{8, 0, []histogram.Span{{Offset: -2000, Length: 160}}, nil, nil},
		{-4, 1024, nil, []histogram.Span{{Offset: 1, Length: 1}, {Offset: 1, Length: 1}}, nil},
		{2, 1e-300, nil, nil, nil},
		{-53, 0, []histogram.Span{{Offset: 0, Length: 2}, {Offset: 1, Length: 2}}, nil,
			[]float64{-1.5, 0.005, 0.01, 1, 33554.43, 1e9, math.Pi * 1e10}},
	}
}

func print(kind int, chunk chunkenc.Chunk) {
	fmt.Printf("chunk %d %x\n", kind, chunk.Bytes())
	it := chunk.Iterator(nil)
	for v := it.Next(); v != chunkenc.ValNone; v = it.Next() {
		var message prompb.Histogram
		if kind == 2 {
			t, h := it.AtHistogram(nil)
			message = prompb.FromIntHistogram(t, h)
			message.CustomValues = h.CustomValues // it leaves them out
		} else {
			t, h := it.AtFloatHistogram(nil)
			message = prompb.FromFloatHistogram(t, h)
			message.CustomValues = h.CustomValues
		}
		bytes, err := message.Marshal()
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d %x\n", message.Timestamp, bytes)
	}
	if it.Err() != nil {
		panic(it.Err())
	}
}

func integers(times []int64, v []*histogram.Histogram, header chunkenc.CounterResetHeader) {
	chunk := chunkenc.NewHistogramChunk()
	app, err := chunk.Appender()
	if err != nil {
		panic(err)
	}
	for i, h := range v {
		made, _, _, err := app.AppendHistogram(nil, times[i], h, true)
		if err != nil || made != nil {
			panic(fmt.Sprint("not appended: ", err))
		}
	}
	chunk.Bytes()[2] |= byte(header)
	print(2, chunk)
}

func floats(times []int64, v []*histogram.FloatHistogram) {
	chunk := chunkenc.NewFloatHistogramChunk()
	app, err := chunk.Appender()
	if err != nil {
		panic(err)
	}
	for i, h := range v {
		made, _, _, err := app.AppendFloatHistogram(nil, times[i], h, true)
		if err != nil || made != nil {
			panic(fmt.Sprint("not appended: ", err))
		}
	}
	print(3, chunk)
}

func main() {
	r := rand.New(rand.NewSource(1))
	for k, l := range layouts() {
		c := counter{layout: l, positive: make([]int64, buckets(l.positive)), negative: make([]int64, buckets(l.negative))}
		var times []int64
		var ints []*histogram.Histogram
		var halves []*histogram.FloatHistogram
		for i := 0; i < 16; i++ {
			if i%9 != 4 {
				c.observe(r)
			}
			times = append(times, zero+int64(i)*15000+int64(r.Intn(5))+int64(i/8)*int64(r.Intn(1<<40)))
			ints = append(ints, c.histogram())
			f := c.histogram().ToFloat(nil)
			halves = append(halves, f.Mul(0.37))
		}
		header := []chunkenc.CounterResetHeader{chunkenc.CounterReset, chunkenc.UnknownCounterReset, chunkenc.NotCounterReset}[k%3]
		if k%2 == 0 { // it ends
			times = append(times, times[len(times)-1]+15000)
			ints = append(ints, &histogram.Histogram{Sum: stale})
			halves = append(halves, &histogram.FloatHistogram{Sum: stale})
		}
		integers(times, ints, header)
		floats(times, halves)
	}
	integers([]int64{-5}, []*histogram.Histogram{{Sum: stale}}, chunkenc.UnknownCounterReset)
	gauges := []*histogram.Histogram{
		{Schema: 1, Count: 9, Sum: 3, PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []int64{4, 1}},
	}
	integers([]int64{zero}, gauges, chunkenc.GaugeType)
}
