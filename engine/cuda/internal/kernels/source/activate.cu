// Bias and activation functions, forward and backward.

#pragma once

struct BiasActivate {
    const void *X, *Bias;
    void *Y;
    int Rows, C, Function;
};

struct Activate {
    const void *X;
    void *Y;
    long long Count;
    int Function;
};

struct ActivateBackward {
    const void *Y, *DY;
    void *DX;
    long long Count;
    int Function;
};

enum { None, ReLU, Tanh };

// Constant is a number that a lambda receives at compile time.
template <int I>
struct Constant {
    enum { value = I };
};

// with_function calls body with the activation function as a Constant, so that each
// thread chooses once.
template <typename Body>
__device__ inline void with_function(int function, Body body)
{
    switch (function) {
    case ReLU: body(Constant<ReLU>()); break;
    case Tanh: body(Constant<Tanh>()); break;
    default: body(Constant<None>());
    }
}

template <int F>
__device__ inline float activated(float x)
{
    if (F == ReLU)
        return x < 0 ? 0 : x; // NaN stays
    if (F == Tanh)
        return tanhf(x);
    return x;
}

// slope returns the derivative, computed from the output.
template <int F>
__device__ inline float chained(float y, float dy)
{
    if (F == ReLU)
        return y > 0 ? dy : 0;
    if (F == Tanh)
        return dy * (1 - y * y);
    return dy;
}

template <typename T, int V>
__device__ inline void bias_activate(const BiasActivate &p)
{
    const int64 row = thread_row();
    const int c = thread_channel<V>();
    if (row >= p.Rows || c >= p.C)
        return;
    const int64 i = row * p.C + c;
    with_function(p.Function, [&](auto function) {
        float x[V], bias[V];
        load_own<T>(x, (const T *)p.X + i);
        load<float>(bias, (const float *)p.Bias + c);
#pragma unroll
        for (int j = 0; j < V; j++)
            x[j] = activated<decltype(function)::value>(x[j] + bias[j]);
        store<T>((T *)p.Y + i, x);
    });
}

KERNELS(bias_activate, BiasActivate)

// flat gives V of count elements to each thread, and the rest to the last one.
template <int V, typename Body>
__device__ inline void flat(int64 count, Body body)
{
    const int64 i = thread_item() * V;
    if (i + V <= count)
        body(i, Constant<V>());
    else
#pragma unroll 1
        for (int64 j = i; j < count; j++)
            body(j, Constant<1>());
}

template <typename T, int V>
__device__ inline void activate(const Activate &p)
{
    with_function(p.Function, [&](auto function) {
        flat<V>(p.Count, [&](int64 i, auto width) {
            float x[decltype(width)::value];
            load_own<T>(x, (const T *)p.X + i);
            for (float &v : x)
                v = activated<decltype(function)::value>(v);
            store<T>((T *)p.Y + i, x);
        });
    });
}

KERNEL(activate_f32, Activate, 256) { activate<float, 4>(p); }
KERNEL(activate_bf16, Activate, 256) { activate<bf16, 8>(p); }

template <typename T, int V>
__device__ inline void activate_backward(const ActivateBackward &p)
{
    with_function(p.Function, [&](auto function) {
        flat<V>(p.Count, [&](int64 i, auto width) {
            const int W = decltype(width)::value;
            float y[W], dy[W];
            load<T>(y, (const T *)p.Y + i);
            load_own<T>(dy, (const T *)p.DY + i);
#pragma unroll
            for (int j = 0; j < W; j++)
                dy[j] = chained<decltype(function)::value>(y[j], dy[j]);
            store<T>((T *)p.DX + i, dy);
        });
    });
}

KERNEL(activate_backward_f32, ActivateBackward, 256) { activate_backward<float, 4>(p); }
KERNEL(activate_backward_bf16, ActivateBackward, 256) { activate_backward<bf16, 8>(p); }
