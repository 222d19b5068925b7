package augment

// TenViews returns the paper's test views (§4.1): the crops in the upper left, upper
// right, lower left and lower right corner and in the centre, then their mirror images
// in the same order.
func TenViews(size, crop int) (views [10]View) {
	far := size - crop
	views[1].X = far
	views[2].Y = far
	views[3] = View{X: far, Y: far}
	views[4] = CentreView(size, crop)
	for i, v := range views[:5] {
		v.Flip = true
		views[5+i] = v
	}
	return views
}
