// The kernels as functions of C.
#include "anisoap_kernels.h"

#include <cstring>
#include <exception>

#include "convolution_problem.hpp"
#include "instruction_sets.hpp"
#include "pair_call.hpp"
#include "perceptron_problem.hpp"
#include "problem.hpp"
#include "sparse_problem.hpp"

namespace anisoap {
namespace {

// Runs `work`, which returns what is wrong or null; no exception may enter C.
template <class Work>
int answered(char* message, const Work& work) {
    const auto refuse = [message](const char* text) {
        std::strncpy(message, text, ANISOAP_MESSAGE_SIZE - 1);
        message[ANISOAP_MESSAGE_SIZE - 1] = 0;
        return 1;
    };
    try {
        const char* wrong = work();
        return wrong ? refuse(wrong) : 0;
    } catch (const std::exception& error) {
        return refuse(error.what());
    }
}

template <class T>
const T* numbers(const void* array) {
    return static_cast<const T*>(array);
}

// What is wrong, or null; `of_particles` says what the potential expects of them.
template <class T, class Evaluate>
const char* evaluate_pairs(const anisoap_pairs& pairs, const char* of_particles, const Evaluate& evaluate) {
    const PairCall<T> call{
        {pairs.types, numbers<T>(pairs.quaternions), true, numbers<T>(pairs.semiaxes), pairs.n_particles},
        {pairs.known_types, pairs.known_types + pairs.n_types},
        {numbers<T>(pairs.edge_vectors), numbers<T>(pairs.positions), pairs.neighbors, pairs.centers, pairs.n_edges,
         true},
        pairs.threads};
    const PairSums<T> sums{static_cast<T*>(pairs.energies), static_cast<T*>(pairs.forces),
                           static_cast<T*>(pairs.torques), nullptr, 0, nullptr};
    switch (evaluate(call, sums)) {
        case PairRefusal::types: return "found a type that the potential does not know";
        case PairRefusal::particles: return of_particles;
        case PairRefusal::edges:
            return "found two particles in the same place";
        case PairRefusal::none: break;
    }
    // an infinite energy is legal, but without vectors it may be that of two particles in the same place
    bool is_legal = true;
    for (std::int64_t j = 0; j < pairs.n_particles; ++j) {
        const T energy = sums.energies[j];
        is_legal &= pairs.edge_vectors ? energy == energy : energy - energy == 0;
    }
    return is_legal ? nullptr : "found energies that are not numbers, expected finite positions and parameters";
}

template <class T>
const char* evaluate(const anisoap_pairs& pairs, const anisoap_gay_berne_numbers& of) {
    const GayBerneArguments<T> arguments{numbers<T>(of.epsilon),
                                         numbers<T>(of.sigma),
                                         numbers<T>(of.well_depths),
                                         reinterpret_cast<const bool*>(of.is_sphere),
                                         of.cutoff,
                                         of.smoothing_width,
                                         of.gamma,
                                         of.upsilon,
                                         of.mu,
                                         of.shift != 0};
    return evaluate_pairs<T>(
        pairs,
        "found a particle that GayBerne refuses, expected finite quaternions that are not zero and semi-axes > 0, three "
        "equal ones where the type is one of sphere_types",
        [&](const auto& call, const auto& sums) { return gay_berne(call, arguments, sums); });
}

template <class T>
const char* evaluate(const anisoap_pairs& pairs, const anisoap_pair_potential_numbers& of) {
    PairFunctions<T> functions({int(of.n_types), of.thickness, int(of.n_radial), of.n_products, of.shorter, of.factors,
                                of.exchanged, of.cutoff, of.decay_length, of.switch_width, of.smallest_gap,
                                of.floor_width});
    functions.check(pairs.n_types);
    require(functions.storage.n_weights == of.n_weights, "weights do not match the basis");
    return evaluate_pairs<T>(
        pairs,
        "found a particle that PairPotential refuses, expected finite quaternions that are not zero and semi-axes >= 0",
        [&](const auto& call, const auto& sums) {
            return functions.derivatives(call, numbers<T>(of.weights), sums);
        });
}

template <class T>
Problem<T> problem(const anisoap_moments& in) {
    require(in.degree >= 0 && in.n_segments >= 0 && in.threads > 0, "degree, n_segments and threads are too small");
    return {{numbers<T>(in.edge_vectors), numbers<T>(in.covariances), numbers<T>(in.weights),
             numbers<T>(in.pair_weights)},
            in.neighbors,
            in.segments,
            in.own_segments,
            in.n_edges,
            in.n_particles,
            in.n_segments,
            T(in.exponent),
            int(in.degree),
            in.positions,
            in.threads};
}

const ConvolutionFunctions<double>& convolution_functions(double) { return chosen->convolution.f64; }
const ConvolutionFunctions<float>& convolution_functions(float) { return chosen->convolution.f32; }
LanesFunction<double> product_kernel(double) { return chosen->sparse_product.f64; }
LanesFunction<float> product_kernel(float) { return chosen->sparse_product.f32; }
const PerceptronFunctions<double>& perceptron_functions(double) { return chosen->perceptron.f64; }
const PerceptronFunctions<float>& perceptron_functions(float) { return chosen->perceptron.f32; }

// Sums at the centres if there is no cotangent, otherwise derivatives, `out` being that of x.
template <class T>
void convolve(const anisoap_convolutions& in, const void* cotangent, void* out, void* d_harmonics, void* d_weights) {
    const auto bytes = chosen->convolution.vector_bytes;
    const ConvolutionPlan<T> plan(in.plan, in.n_plan, bytes);
    const std::int64_t dims[] = {plan.dim_x, plan.dim_harmonics, plan.n_weights, plan.dim_out};
    for (int k = 0; k < 4; ++k)
        require(in.dims[k] == dims[k], "a tensor does not have the shape that the plan of the convolution says");
    require(in.threads > 0, "threads is too small");
    const ConvolutionTensors<T> point{numbers<T>(in.x), numbers<T>(in.harmonics), numbers<T>(in.weights)};
    ConvolutionProblem<T>(plan, convolution_functions(T()), bytes, in.n_particles, in.n_edges, in.edge_index,
                          in.threads)
        .run(point, nullptr, numbers<T>(cotangent), static_cast<T*>(out), static_cast<T*>(d_harmonics),
             static_cast<T*>(d_weights));
}

template <class T>
void multiply(const anisoap_products& in, void* target) {
    const ProductProgram program(in.program, in.n_program);
    require(in.target >= 0 && in.target < 3, "target is 0, 1 or 2");
    const T none{}, *operands[3];  // null is the target alone
    for (int k = 0; k < 3; ++k) {
        require(in.sizes[k] == in.n_batch * program.dim(k), "an operand is not of the size that the program says");
        operands[k] = k == in.target ? nullptr : in.operands[k] ? numbers<T>(in.operands[k]) : &none;
    }
    require(in.n_coefficients == program.n_coefficients(), "one coefficient for each entry");
    require(in.threads > 0, "threads is too small");
    SparseProblem<T>(program, operands, numbers<T>(in.coefficients), in.n_batch, in.threads)
        .run(product_kernel(T()), chosen->sparse_product.slot_bytes, static_cast<T*>(target));
}

// Outputs if there is no cotangent, otherwise derivatives.
template <class T>
void perceive(const anisoap_perceptrons& in, const void* cotangent, void* out, void* d_x, void* d_weights) {
    const PerceptronProblem<T> problem(perceptron_functions(T()), in.widths, in.n_widths, in.n_rows, in.threads);
    require(in.n_weights == problem.n_weights(), "one weight for each pair of numbers of layers");
    problem.run({numbers<T>(in.x), nullptr, numbers<T>(cotangent), numbers<T>(in.weights), static_cast<T*>(out),
                 static_cast<T*>(d_x), nullptr, static_cast<T*>(d_weights)});
}

}  // namespace
}  // namespace anisoap

#define DISPATCH(of, ...)              \
    if ((of)->is_double) {             \
        using T = double;              \
        __VA_ARGS__;                   \
    } else {                           \
        using T = float;               \
        __VA_ARGS__;                   \
    }

using namespace anisoap;

extern "C" {

int anisoap_gay_berne(const anisoap_pairs* pairs, const anisoap_gay_berne_numbers* numbers, char* message) {
    return answered(message, [&] { DISPATCH(pairs, return evaluate<T>(*pairs, *numbers)) });
}

int anisoap_pair_potential(const anisoap_pairs* pairs, const anisoap_pair_potential_numbers* numbers, char* message) {
    return answered(message, [&] { DISPATCH(pairs, return evaluate<T>(*pairs, *numbers)) });
}

int anisoap_gaussian_moments(const anisoap_moments* in, void* moments, char* message) {
    return answered(message, [&]() -> const char* {
        DISPATCH(in, problem<T>(*in).value(chosen->gaussian_moments, static_cast<T*>(moments)))
        return nullptr;
    });
}

int anisoap_gaussian_moments_backward(const anisoap_moments* in, const void* cotangent, void* d_edge_vectors,
                                      void* d_covariances, void* d_weights, void* d_pair_weights, char* message) {
    return answered(message, [&]() -> const char* {
        require((d_covariances == nullptr) == (d_weights == nullptr), "covariances and weights go together");
        DISPATCH(in, problem<T>(*in).first_derivative(
                         chosen->gaussian_moments, static_cast<const T*>(cotangent),
                         {static_cast<T*>(d_edge_vectors), static_cast<T*>(d_covariances), static_cast<T*>(d_weights),
                          static_cast<T*>(d_pair_weights)}))
        return nullptr;
    });
}

int anisoap_convolution(const anisoap_convolutions* in, void* out, char* message) {
    return answered(message, [&]() -> const char* {
        DISPATCH(in, convolve<T>(*in, nullptr, out, nullptr, nullptr))
        return nullptr;
    });
}

int anisoap_convolution_gradient(const anisoap_convolutions* in, const void* cotangent, void* d_x, void* d_harmonics,
                                 void* d_weights, char* message) {
    return answered(message, [&]() -> const char* {
        require(cotangent != nullptr, "a derivative has a cotangent");
        DISPATCH(in, convolve<T>(*in, cotangent, d_x, d_harmonics, d_weights))
        return nullptr;
    });
}

int anisoap_product_of_two(const anisoap_products* in, void* target, char* message) {
    return answered(message, [&]() -> const char* {
        DISPATCH(in, multiply<T>(*in, target))
        return nullptr;
    });
}

int anisoap_perceptron(const anisoap_perceptrons* in, void* out, char* message) {
    return answered(message, [&]() -> const char* {
        DISPATCH(in, perceive<T>(*in, nullptr, out, nullptr, nullptr))
        return nullptr;
    });
}

int anisoap_perceptron_backward(const anisoap_perceptrons* in, const void* cotangent, void* d_x, void* d_weights,
                                char* message) {
    return answered(message, [&]() -> const char* {
        require(cotangent != nullptr, "a derivative has a cotangent");
        DISPATCH(in, perceive<T>(*in, cotangent, nullptr, d_x, d_weights))
        return nullptr;
    });
}
}
