package reconcile

import (
	"cmp"
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
// the order of the pairs. A pair is ambiguous if its row could as well have
// been paired otherwise: the next best choice for it is within margin.
func assign(pairs []pair, margin int) (chosen []pair, ambiguous map[int]bool) {
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.gone, b.gone), cmp.Compare(a.came, b.came))
	})
	for _, c := range components(pairs) {
		if len(c) > largestComponent {
			chosen = append(chosen, greedy(c)...)
			continue
		}
		chosen = append(chosen, best(c)...)
	}
	slices.SortFunc(chosen, func(a, b pair) int { return cmp.Compare(a.gone, b.gone) })
	ambiguous = map[int]bool{}
	for _, c := range chosen {
		for _, p := range pairs {
			if p.gone == c.gone && p.came != c.came && c.score-p.score < margin && !taken(chosen, p) {
				ambiguous[c.gone] = true
			}
		}
	}
	return chosen, ambiguous
}

// taken reports whether the row that came in p is that of another chosen pair
// that fits it at least as well.
func taken(chosen []pair, p pair) bool {
	for _, c := range chosen {
		if c.came == p.came {
			return c.gone != p.gone && c.score >= p.score
		}
	}
	return false
}

// largestComponent is how many pairs are searched for the best assignment.
const largestComponent = 48

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
	gone, came := ranks(pairs, func(p pair) int { return p.gone }), ranks(pairs, func(p pair) int { return p.came })
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
