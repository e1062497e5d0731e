package train

// Micro is how many rows of a batch one call of a graph takes: half of a small batch, as
// two calls run side by side, and no more than 8. Fewer waste the backends' fast kernels,
// and more did not pay: of the examples' decoder (rows of 96 tokens, two calls side by
// side) a token of training took 1.2 times as long at 4 rows on both backends; at 16 an
// earlier revision was slower, too.
func Micro(batch int) int { return max(1, min(8, (batch+1)/2)) }
