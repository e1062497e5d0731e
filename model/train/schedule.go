package train

import "math"

// A Schedule says how a learning rate changes over a run: it rises from 0 to its peak and then
// falls along half a cosine, as in transformers' get_cosine_with_min_lr_schedule_with_warmup. The
// paper's scripts warm up over 3 % of the updates and end at a tenth of the peak.
type Schedule struct {
	Peak        float64
	WarmupRatio float64 // share of the updates that warm up, rounded up to a whole update; 0: none
	MinLRRatio  float64 // the last rate as a share of the peak; 0: it ends at 0
}

// Rate returns the learning rate of an update, counted from 0, of so many.
func (s Schedule) Rate(update, updates int) float64 {
	return cosine(s.Peak, update, int(math.Ceil(s.WarmupRatio*float64(updates))), updates, s.MinLRRatio)
}

// cosine returns the rate of an update with a warm-up of so many updates.
func cosine(peak float64, update, warmup, updates int, minRatio float64) float64 {
	if update < warmup {
		return peak * float64(update) / float64(warmup)
	}
	progress := min(1, float64(update-warmup)/float64(max(1, updates-warmup)))
	return peak * (minRatio + (1-minRatio)*(1+math.Cos(math.Pi*progress))/2)
}
