package sim

import (
	"math"
	"slices"
	"strconv"
	"sync"
)

const never = math.MaxInt64

// user is one end user, the same at all times but for what view adds.
type user struct {
	i            uint32
	key          uint64
	id           guid
	joined, left int64
	giant        bool
	special      bool  // its last member is in a designated plight
	off, on      int64 // disabled in [off, on)
}

const (
	specialEvery = 7 // every seventh user has a member in trouble
	specialFrom  = 5

	userLifeDays  = 1500 // users leave evenly over so many days
	growthDays    = 400  // the number of users would double in so many days
	oldestMembers = 400  // members of the start were linked up to so many days before it,
	newestMembers = 100  // and at least so many, so that every window is full
)

// userAt returns user i, whether it exists or not.
func (w *World) userAt(i uint32) user {
	u := user{i: i, key: hash(hash(w.seed, saltUser), uint64(i)), left: never, joined: w.start - 500*secondsPerDay}
	u.id = w.guid(prefixUser, address{user: i})
	u.giant = w.isGiant(i)
	h := hash(u.key, 1)
	if extra := int(i) - w.cfg.Users; extra >= 0 {
		u.joined = w.joinTime(extra)
	}
	if w.cfg.Churn > 0 && !u.giant {
		u.left = max(u.joined, w.start) + secondsPerDay + int64(float64(pick(h, userLifeDays*secondsPerDay))/w.cfg.Churn)
	}
	switch x := hash(u.key, 2) % 1000; {
	case u.giant:
	case i%specialEvery == specialFrom:
		u.special = true
	case x < 6 || int(i) == w.alwaysDisabled():
		u.off, u.on = w.start-secondsPerDay*int64(5+pick(h, 60)), never
	case x < 10 && w.cfg.Churn > 0: // for a few nights
		u.off = w.start + int64(1+pick(h, 40))*secondsPerDay
		u.on = u.off + int64(2+h%3)*secondsPerDay
	}
	return u
}

func (w *World) isGiant(i uint32) bool { return w.cfg.Giant > 0 && int(i) == w.cfg.Users/2 }

// alwaysDisabled is a user that is disabled in every world of ten users or more.
func (w *World) alwaysDisabled() int {
	if w.cfg.Users < 10 {
		return -1
	}
	i := pick(hash(w.seed, saltUser), w.cfg.Users)
	for i%specialEvery == specialFrom || w.isGiant(uint32(i)) {
		i = (i + 1) % w.cfg.Users
	}
	return i
}

// joinTime is when the n-th user beyond those of the start joins.
func (w *World) joinTime(n int) int64 {
	if w.cfg.Churn <= 0 {
		return never
	}
	return w.start + int64(float64(n+1)*growthDays*secondsPerDay/(float64(w.cfg.Users)*w.cfg.Churn))
}

func (v view) hasUser(u *user) bool {
	if u.joined > v.t || u.left <= v.t {
		return false
	}
	gone, ok := v.over.users[u.i]
	return !ok || gone > v.t
}

func (u *user) disabledAt(t int64) bool { return u.off != 0 && u.off <= t && t < u.on }

func (v view) disabled(u *user) bool {
	_, barred := in(v.over.disabled[u.i], v.t)
	return barred || u.disabledAt(v.t)
}

// user finds a user that exists by its guid.
func (v view) user(id string) (user, bool) {
	a, ok := v.w.parse(prefixUser, id)
	if !ok {
		return user{}, false
	}
	u := v.w.userAt(a.user)
	return u, u.id.String() == id && v.hasUser(&u)
}

// roster is the list of users of one instant, kept because every page of
// /users needs it.
type roster struct {
	mu    sync.Mutex
	t     int64
	gone  int
	users []uint32
}

// users returns the users that exist, oldest first.
func (v view) users() []uint32 {
	r := &v.w.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users != nil && r.t == v.t && r.gone == len(v.over.users) {
		return r.users
	}
	all := make([]uint32, 0, v.w.cfg.Users+8)
	for i := uint32(0); ; i++ {
		u := v.w.userAt(i)
		if u.joined > v.t {
			break
		}
		if v.hasUser(&u) {
			all = append(all, i)
		}
	}
	r.t, r.gone, r.users = v.t, len(v.over.users), all
	return all
}

// failingUsers are the n users that always answer 500, the same in all weathers.
// Each has one member, so that a world loses little by them.
func (w *World) failingUsers(n int) []uint32 {
	var all []uint32
	for i := uint64(0); len(all) < min(n, w.cfg.Users/2); i++ {
		c := uint32(pick(hash(hash(w.seed, saltFailing), i), w.cfg.Users))
		u := w.userAt(c)
		if !u.giant && !u.special && u.off == 0 && w.memberCount(&u) == 1 && !slices.Contains(all, c) {
			all = append(all, c)
		}
		if i > 100+uint64(n)*20 {
			break // a world too small to have that many
		}
	}
	return all
}

// render writes the user (mx-api.md §1.5).
func (v view) renderUser(e *encoder, u *user) {
	h := hash(u.key, saltText)
	e.ascii = h&1 == 0
	e.begin()
	e.guid("guid", &u.id)
	switch h >> 8 % 16 {
	case 0, 1:
		e.null("identifier")
	case 2:
		e.str("identifier", "cust/"+strconv.Itoa(int(u.i))+"?ref=\"web\"")
	case 3:
		e.str("identifier", familyNames[h>>16%60]+"_"+strconv.Itoa(int(u.i)))
	default:
		e.str("identifier", "cust-"+strconv.Itoa(100000+int(u.i)))
	}
	e.bool("is_disabled", v.disabled(u))
	switch h >> 24 % 8 {
	case 0, 1:
		e.null("metadata")
	case 2:
		e.str("metadata", oddTexts[pick(hash(h, 1), len(oddTexts))])
	case 3:
		e.str("metadata", "")
	default:
		e.str("metadata", `{"first_name": "`+givenNames[h>>32%60]+`", "tier": `+strconv.Itoa(int(h>>40%4))+`}`)
	}
	if h>>48%20 == 0 {
		e.raw("created_by", `{"app":"onboarding","version":[2,17]}`)
	}
	e.end()
}
