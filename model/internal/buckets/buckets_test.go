package buckets

import (
	"reflect"
	"slices"
	"testing"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/internal/modeltest"
)

func TestLength(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, b backend.Backend) {
		want := []int{8, 16, 24, 32, 40, 48, 56, 64}
		if device.IsXLA(b) {
			want = []int{16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024}
		}
		var got []int
		for tokens := range want[len(want)-1] + 1 {
			w := Length(b, tokens)
			if w < tokens {
				t.Fatalf("Length(%d) = %d", tokens, w)
			}
			if len(got) == 0 || w != got[len(got)-1] {
				got = append(got, w)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("lengths %v, want %v", got, want)
		}
	})
}

func TestByLength(t *testing.T) {
	if got := ByLength([]int{5, 2, 5, 1, 9}, 2); !reflect.DeepEqual(got, [][]int{{3, 1}, {0, 2}, {4}}) {
		t.Errorf("groups %v", got)
	}
	if got := Pad([][]int32{{1, 2}, nil}, 3); !slices.Equal(got, []int32{1, 2, 0, 0, 0, 0}) {
		t.Errorf("padded %v", got)
	}
}

func TestRows(t *testing.T) {
	for _, c := range []struct{ weights, count, most, want int }{{100, 3, 32, 32}, {large, 3, 32, 4}, {large, 40, 32, 32}, {large, 1, 4, 1}} {
		if got := Rows(c.weights, c.count, c.most); got != c.want {
			t.Errorf("%+v: %d rows", c, got)
		}
	}
}
