// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Most bytes of all inputs, and of all outputs, that surely fit into a transaction's calldata; larger ones go by reference.
// At 40 gas a byte of calldata (EIP-7623) 240 KiB take 9.9 million gas, and at 64 gas, should it be repriced, still less than 2^24.
uint256 constant MAX_CALLDATA_BYTES = 240 * 1024;

// Most inputs of one request: bounds what a batch costs a transaction, and what a node and a challenger must run in one exclusive time and one window.
uint256 constant MAX_BATCH_ITEMS = 64;

// Most bytes of the text that says where something is to be had.
uint256 constant MAX_URI_BYTES = 2048;
