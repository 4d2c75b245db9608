package reconcile

import (
	"cmp"
	"math"
	"slices"
)

// A pair is a row that went, and one that may have taken its place.
type pair struct {
	gone, came int // indexes into the two lists
	score      int // thousandths; higher is surer
}

// assign chooses pairs so that no row is in two of them and the sum of the
// scores is the largest possible, component by component. Components too large
// for that are taken pair by pair, best first. The result does not depend on
// the order of the pairs.
//
// Doubted are rows that went and were left alone, each with the pair that it was
// left for although it fits within margin as well: it may be the other row that
// is alone. In a component taken pair by pair every row that is left alone is.
func assign(pairs []pair, margin int) (chosen []pair, doubted map[int]pair) {
	if len(pairs) < 2 && (len(pairs) == 0 || pairs[0].score > 0) { // as a rule
		return pairs, nil
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.gone, b.gone), cmp.Compare(a.came, b.came))
	})
	doubted = map[int]pair{}
	for _, c := range components(pairs) {
		take, within := best, margin
		if len(ranks(c, goneOf)) > largestComponent || len(ranks(c, cameOf)) > largestComponent {
			take, within = greedy, math.MaxInt
		}
		taken := take(c)
		chosen = append(chosen, taken...)
		doubt(c, taken, within, doubted)
	}
	slices.SortFunc(chosen, func(a, b pair) int { return cmp.Compare(a.gone, b.gone) })
	return chosen, doubted
}

// doubt finds the rows of a component, best pair first, that were left for one
// that fits no better than by margin.
func doubt(pairs, chosen []pair, margin int, doubted map[int]pair) {
	alone, of := map[int]bool{}, map[int]pair{}
	for _, p := range pairs {
		alone[p.gone] = true
	}
	for _, c := range chosen {
		alone[c.gone], of[c.came] = false, c
	}
	for _, p := range pairs {
		if c, ok := of[p.came]; ok && alone[p.gone] && c.score-p.score < margin {
			doubted[p.gone], alone[p.gone] = c, false
		}
	}
}

// largestComponent is of how many rows on either side the best assignment is
// searched for.
const largestComponent = 64

func goneOf(p pair) int { return p.gone }
func cameOf(p pair) int { return p.came }

// components groups pairs that share rows, directly or through others.
func components(pairs []pair) [][]pair {
	parent := map[int]int{} // rows that went are 2i, rows that came 2i+1
	var find func(int) int
	find = func(x int) int {
		p, ok := parent[x]
		if !ok || p == x {
			parent[x] = x
			return x
		}
		root := find(p)
		parent[x] = root
		return root
	}
	for _, p := range pairs {
		parent[find(2*p.gone)] = find(2*p.came + 1)
	}
	at := map[int]int{}
	var out [][]pair
	for _, p := range pairs {
		root := find(2 * p.gone)
		i, ok := at[root]
		if !ok {
			i = len(out)
			at[root] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], p)
	}
	return out
}

// greedy takes the best pair that is left, again and again.
func greedy(pairs []pair) []pair {
	gone, came := map[int]bool{}, map[int]bool{}
	var out []pair
	for _, p := range pairs {
		if !gone[p.gone] && !came[p.came] {
			gone[p.gone], came[p.came] = true, true
			out = append(out, p)
		}
	}
	return out
}

// best is the assignment of the largest sum, by the Hungarian method over the
// rows of one component. Pairs that are not there weigh nothing.
func best(pairs []pair) []pair {
	gone, came := ranks(pairs, goneOf), ranks(pairs, cameOf)
	n := max(len(gone), len(came))
	cost := make([][]int, n+1) // 1-based, negated weights
	for i := range cost {
		cost[i] = make([]int, n+1)
	}
	for _, p := range pairs {
		i, _ := slices.BinarySearch(gone, p.gone)
		j, _ := slices.BinarySearch(came, p.came)
		cost[i+1][j+1] = -p.score
	}
	const far = 1 << 40
	u, v, match, way := make([]int, n+1), make([]int, n+1), make([]int, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		match[0] = i
		j0 := 0
		least, used := make([]int, n+1), make([]bool, n+1)
		for j := range least {
			least[j] = far
		}
		for {
			used[j0] = true
			i0, delta, j1 := match[j0], far, 0
			for j := 1; j <= n; j++ {
				if used[j] {
					continue
				}
				if c := cost[i0][j] - u[i0] - v[j]; c < least[j] {
					least[j], way[j] = c, j0
				}
				if least[j] < delta {
					delta, j1 = least[j], j
				}
			}
			for j := 0; j <= n; j++ {
				if used[j] {
					u[match[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			if j0 = j1; match[j0] == 0 {
				break
			}
		}
		for j0 != 0 {
			match[j0] = match[way[j0]]
			j0 = way[j0]
		}
	}
	var out []pair
	for j := 1; j <= len(came); j++ {
		if i := match[j]; i <= len(gone) && cost[i][j] < 0 {
			out = append(out, pair{gone[i-1], came[j-1], -cost[i][j]})
		}
	}
	return out
}

func ranks(pairs []pair, of func(pair) int) []int {
	var out []int
	for _, p := range pairs {
		out = append(out, of(p))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
