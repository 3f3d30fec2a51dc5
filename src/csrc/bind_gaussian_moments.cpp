// Binds gaussian_moments to Python.
#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "problem.hpp"

namespace anisoap {
namespace {

template <class T>
using Optional = std::optional<T>;

template <class T>
auto data_or_null(const Optional<T>& array) {
    return array ? array->data() : nullptr;
}

// A Problem that checks the shapes of its arrays and keeps them alive.
template <class T>
class BoundProblem {
  public:
    BoundProblem(Array<const T, -1, 3> edge_vectors, Indices neighbors, Indices segments, std::int64_t n_segments,
                 Array<const T, -1, 3, 3> covariances, Array<const T, -1> weights,
                 Optional<Array<const T, -1>> pair_weights, Optional<Indices> own_segments, double exponent,
                 int degree, Indices positions, int threads)
        : edge_vectors_(edge_vectors),
          neighbors_(neighbors),
          pair_weights_(pair_weights),
          positions_(positions),
          n_segments_(n_segments),
          n_particles_(covariances.shape(0)) {
        const std::size_t n_edges = edge_vectors.shape(0);
        require(degree >= 0 && n_segments >= 0 && threads > 0, "degree, n_segments and threads are too small");
        require(std::int64_t(positions.shape(0)) == number_of_moments(degree), "one position for each moment");
        require(neighbors.shape(0) == n_edges && segments.shape(0) == n_edges &&
                    (!pair_weights || pair_weights->shape(0) == n_edges),
                "neighbors, segments and pair_weights need one entry for each of the edge_vectors");
        require(weights.shape(0) == n_particles_ && (!own_segments || own_segments->shape(0) == n_particles_),
                "weights and own_segments need one entry for each of the covariances");
        nb::gil_scoped_release release;
        problem_ = std::make_unique<Problem<T>>(
            Tensors<const T>{edge_vectors.data(), covariances.data(), weights.data(), data_or_null(pair_weights)},
            neighbors.data(), segments.data(), data_or_null(own_segments), n_edges, n_particles_, n_segments,
            T(exponent), degree, positions.data(), threads);
    }

    void value(Array<T, -1, -1> moments) const {
        require_moments(moments.shape(0), moments.shape(1));
        nb::gil_scoped_release release;
        problem_->value(chosen->gaussian_moments, moments.data());
    }

    void first_derivative(Array<const T, -1, -1> cotangent, Array<T, -1, 3> d_edge_vectors,
                          Optional<Array<T, -1, 3, 3>> d_covariances, Optional<Array<T, -1>> d_weights,
                          Optional<Array<T, -1>> d_pair_weights) const {
        require_moments(cotangent.shape(0), cotangent.shape(1));
        const auto out = outputs(d_edge_vectors, d_covariances, d_weights, d_pair_weights);
        nb::gil_scoped_release release;
        problem_->first_derivative(chosen->gaussian_moments, cotangent.data(), out);
    }

    void second_derivative(Array<const T, -1, 3> t_edge_vectors, Array<const T, -1, 3, 3> t_covariances,
                           Array<const T, -1> t_weights, Optional<Array<const T, -1>> t_pair_weights,
                           Array<const T, -1, -1> cotangent, Array<T, -1, -1> d_cotangent,
                           Array<T, -1, 3> d_edge_vectors, Optional<Array<T, -1, 3, 3>> d_covariances,
                           Optional<Array<T, -1>> d_weights, Optional<Array<T, -1>> d_pair_weights) const {
        require_moments(cotangent.shape(0), cotangent.shape(1));
        require_moments(d_cotangent.shape(0), d_cotangent.shape(1));
        require_like(t_edge_vectors.shape(0), t_covariances.shape(0), t_weights.shape(0),
                     t_pair_weights ? t_pair_weights->shape(0) : edge_vectors_.shape(0));
        const auto out = outputs(d_edge_vectors, d_covariances, d_weights, d_pair_weights);
        nb::gil_scoped_release release;
        problem_->second_derivative(
            chosen->gaussian_moments,
            {t_edge_vectors.data(), t_covariances.data(), t_weights.data(), data_or_null(t_pair_weights)},
            cotangent.data(), d_cotangent.data(), out);
    }

  private:
    Array<const T, -1, 3> edge_vectors_;
    Indices neighbors_;
    Optional<Array<const T, -1>> pair_weights_;
    Indices positions_;
    std::int64_t n_segments_;
    std::size_t n_particles_;
    std::unique_ptr<Problem<T>> problem_;

    void require_moments(std::size_t rows, std::size_t columns) const {
        require(std::int64_t(rows) == n_segments_ && columns == positions_.shape(0),
                "moments have one row for each segment and one column for each position");
    }

    void require_like(std::size_t vectors, std::size_t covariances, std::size_t weights, std::size_t pairs) const {
        require(vectors == edge_vectors_.shape(0) && pairs == vectors && covariances == n_particles_ &&
                    weights == n_particles_,
                "derivatives and tangents have the shapes of what they belong to");
    }

    Tensors<T> outputs(const Array<T, -1, 3>& edge_vectors, const Optional<Array<T, -1, 3, 3>>& covariances,
                       const Optional<Array<T, -1>>& weights, const Optional<Array<T, -1>>& pair_weights) const {
        require(covariances.has_value() == weights.has_value(), "covariances and weights go together");
        require_like(edge_vectors.shape(0), covariances ? covariances->shape(0) : n_particles_,
                     weights ? weights->shape(0) : n_particles_,
                     pair_weights ? pair_weights->shape(0) : edge_vectors.shape(0));
        return {edge_vectors.data(), data_or_null(covariances), data_or_null(weights), data_or_null(pair_weights)};
    }
};

template <class T>
void define_as(nb::module_& m, const char* name) {
    using Bound = BoundProblem<T>;
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    nb::class_<Bound>(m, name, "The arguments of anisoap_e3nn.ops.gaussian_moments, sorted and packed.")
        .def(nb::init<Array<const T, -1, 3>, Indices, Indices, std::int64_t, Array<const T, -1, 3, 3>,
                      Array<const T, -1>, Optional<Array<const T, -1>>, Optional<Indices>, double, int, Indices,
                      int>(),
             array("edge_vectors"), array("neighbors"), array("segments"), "n_segments"_a, array("covariances"),
             array("weights"), array("pair_weights").none(), array("own_segments").none(), "exponent"_a,
             "degree"_a, array("positions"), "threads"_a)
        .def("value", &Bound::value, array("moments"), "Writes the moments of every segment.")
        .def("first_derivative", &Bound::first_derivative, array("cotangent"), array("d_edge_vectors"),
             array("d_covariances").none(), array("d_weights").none(), array("d_pair_weights").none(),
             "Writes the derivatives of <cotangent, moments> with respect to the arguments.")
        .def("second_derivative", &Bound::second_derivative, array("t_edge_vectors"), array("t_covariances"),
             array("t_weights"), array("t_pair_weights").none(), array("cotangent"), array("d_cotangent"),
             array("d_edge_vectors"), array("d_covariances").none(), array("d_weights").none(),
             array("d_pair_weights").none(),
             "Writes the derivatives of <tangents, first derivative> with respect to cotangent and arguments.");
}

}  // namespace

void define_gaussian_moments(nb::module_& m) {
    define_as<double>(m, "GaussianMoments64");
    define_as<float>(m, "GaussianMoments32");
    m.def(
        "fma_f64",
        [](std::int64_t repeats) {
            nb::gil_scoped_release release;
            return chosen->gaussian_moments.fma_f64(repeats);
        },
        "repeats"_a, "Runs float64 multiply-adds alone and returns how many operations that was.");
}

}  // namespace anisoap
