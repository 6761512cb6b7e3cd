/// Wide kernels of the dynamic solver: rows of doubles, instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::dynamic::kernels {

/// Columns that are multiplied together.
constexpr std::size_t panel_width = 16;

/// Rows of doubles, `stride` apart.
template <class T>
struct RowsOf {
    T* data;
    std::size_t stride;
};

/// out = M·in for M of n_rows × n_inner; n_columns a multiple of panel_width.
void multiply(RowsOf<const double> M, std::size_t n_rows, std::size_t n_inner, RowsOf<const double> in,
              std::size_t n_columns, RowsOf<double> out);

/// sums[i] = a[i] + b[i] and differences[i] = a[i] - b[i].
void fold(const double* a, const double* b, std::size_t n, double* sums, double* differences);
/// The same with b[-i], and its inverse up to a factor of two.
void fold_line(const double* a, const double* b, std::size_t n, double* sums, double* differences);
void unfold_line(const double* sums, const double* differences, std::size_t n, double* a, double* b);

/// Sums over the cells of a slice, in the eigenbasis of Q; symmetric entries (i ≤ j) in rows, N = d(d+1)/2 of them.
struct ProxSums {
    double value = 0.0;      ///< g(Q)
    double moment[6] = {};   ///< ∇g
    double cross[21] = {};   ///< pairs (e ≤ g) of entries: the part of the Hessian that comes from ρ moving
    double spread[18] = {};  ///< spread[l·N + e] = Σ ρ y_i y_k/(ρ + 2q_l) with e = (i, k)
};

/// For Q = U diag(q) Uᵀ (U row-major d×d, d > 1): the root ρ of every cell's equation (SliceProx), from the given ρ,
/// and the projection of w into `out`, d + 1 rows of n cells. ρ to a few eps, relative. `sums` may be null.
void project_cells(int d, const double* q, const double* U, const double* const* w, double* rho, double* const* out,
                   std::size_t n, ProxSums* sums);

/// For Q = qI: out += share·(projection of w - out). ρ to a few eps of ρ + 2q.
void project_isotropic(int d, double q, const double* const* w, const double* rho, double share, double* const* out,
                       std::size_t n);

/// Σ m mᵀ/ρ over the cells with ρ > 0, for v[0] = ρ and the components of m: entries (i ≤ j) into `sums`. False when a
/// cell without mass moves, or has less than none.
bool moment(int d, const double* const* v, std::size_t n, double* sums);

/// max over the cells of w_0 + w_1ᵀMw_1, M by its entries (i ≤ j); n > 0, no NaN.
double largest_form(int d, const double* M, const double* const* w, std::size_t n);

/// out[c] = base[c] + a·u[c] + b·u[c - stride], the latter zero for c < stride; base null: zero. `out` may be `base`.
void combine_below(const double* base, const double* u, double a, double b, std::size_t stride, std::size_t n,
                   double* out);

/// out[c] = base[c] + a·u[c] + b·v[c]; base null: zero. `out` may be `base`.
void add_two(const double* base, const double* u, double a, const double* v, double b, std::size_t n, double* out);

/// One step of a staggered field: with g = a(w + w_next) + b(φ_next - φ), ahead = u - 2g and u -= r·g.
void step(const double* w, const double* w_next, double a, const double* phi, const double* phi_next, double b,
          double r, std::size_t n, double* u, double* ahead);

/// rho = a(before + after), sum = w + rho.
void add_masses(const double* w, const double* before, const double* after, double a, std::size_t n, double* rho,
                double* sum);

/// (û, u) becomes (û + e(û - u), u + r(û - u)).
void relax(double* ahead, double* u, double e, double r, std::size_t n);

/// Steps of a tridiagonal solve: x += a·pivot·before, and x = pivot·(x + a·after).
void eliminate(const double* before, double a, const double* pivot, std::size_t n, double* x);
void substitute(const double* after, double a, const double* pivot, std::size_t n, double* x);

}  // namespace spectralot::dynamic::kernels
